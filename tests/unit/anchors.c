/* Which authorities of a bundle are found for a chain, which bundles are left to
 * GnuTLS, and that its verdict is the same with those as with all. */

#include "smtp/tls-anchors.h"

#include <gnutls/x509.h>
#include <string.h>

#define OK(call) g_assert_cmpint (call, >=, 0)

typedef gnutls_x509_crt_t Crt;

static gnutls_x509_privkey_t key, other_key, rsa_key;

/* Certificates */

static gnutls_datum_t
export (Crt crt, gnutls_x509_crt_fmt_t format)
{
  gnutls_datum_t octets;

  OK (gnutls_x509_crt_export2 (crt, format, &octets));
  return octets;
}

/* Takes CRT, and gives it as one that was read: it has no names before. */
static Crt
read_again (Crt crt)
{
  gnutls_datum_t der = export (crt, GNUTLS_X509_FMT_DER);
  Crt again;

  OK (gnutls_x509_crt_init (&again));
  OK (gnutls_x509_crt_import (again, &der, GNUTLS_X509_FMT_DER));
  gnutls_free (der.data);
  gnutls_x509_crt_deinit (crt);
  return again;
}

/* SIGNER's key signs in the name of ISSUER; NULL: its own. */
static Crt
make (const char *name, bool authority, gnutls_x509_privkey_t own, Crt issuer,
      gnutls_x509_privkey_t signer)
{
  static unsigned char serial;
  time_t now = time (NULL);
  Crt crt;

  serial++;
  OK (gnutls_x509_crt_init (&crt));
  OK (gnutls_x509_crt_set_version (crt, 3));
  OK (gnutls_x509_crt_set_serial (crt, &serial, 1));
  OK (gnutls_x509_crt_set_activation_time (crt, now - 3600));
  OK (gnutls_x509_crt_set_expiration_time (crt, now + 3600));
  OK (gnutls_x509_crt_set_key (crt, own));
  OK (gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                     (unsigned) strlen (name)));
  OK (gnutls_x509_crt_set_basic_constraints (crt, authority, -1));
  OK (gnutls_x509_crt_sign2 (crt, issuer != NULL ? issuer : crt, signer,
                             GNUTLS_DIG_SHA256, 0));
  return read_again (crt);
}

static Crt
make_root (const char *name, gnutls_x509_privkey_t own)
{
  return make (name, true, own, NULL, own);
}

static GString *
make_bundle (const Crt *certificates, unsigned count)
{
  GString *pem = g_string_new (NULL);

  for (unsigned i = 0; i < count; i++)
    {
      gnutls_datum_t text = export (certificates[i], GNUTLS_X509_FMT_PEM);

      g_string_append_len (pem, (char *) text.data, (gssize) text.size);
      gnutls_free (text.data);
    }
  return pem;
}

static Anchors *
read_bundle (const GString *pem)
{
  return anchors_new (
      &(gnutls_datum_t){ (unsigned char *) pem->str, (unsigned) pem->len });
}

/* Those that are found for CHAIN; NULL: it cannot be read. */
static GArray *
find (const Anchors *anchors, const Crt *chain, unsigned count)
{
  g_autofree gnutls_datum_t *octets = g_new (gnutls_datum_t, count);
  GArray *found = g_array_new (FALSE, FALSE, sizeof (gnutls_datum_t));

  for (unsigned i = 0; i < count; i++)
    octets[i] = export (chain[i], GNUTLS_X509_FMT_DER);
  g_assert_true (anchors_find (anchors, octets, count, found));
  for (unsigned i = 0; i < count; i++)
    gnutls_free (octets[i].data);
  return found;
}

static unsigned
judge (gnutls_x509_trust_list_t list, const Crt *chain, unsigned count)
{
  gnutls_typed_vdata_st purpose
      = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
          .data = (unsigned char *) GNUTLS_KP_TLS_WWW_SERVER };
  unsigned status;

  OK (gnutls_x509_trust_list_verify_crt2 (list, (Crt *) chain, count, &purpose,
                                          1, 0, &status, NULL));
  return status;
}

/* GnuTLS's verdict on CHAIN with what is found for it. */
static unsigned
judge_found (const Anchors *anchors, const Crt *chain, unsigned count)
{
  g_autoptr (GArray) found = find (anchors, chain, count);
  gnutls_x509_trust_list_t list;
  unsigned status;

  OK (gnutls_x509_trust_list_init (&list, 0));
  for (unsigned i = 0; i < found->len; i++)
    g_assert_cmpint (gnutls_x509_trust_list_add_trust_mem (
                         list, &g_array_index (found, gnutls_datum_t, i), NULL,
                         GNUTLS_X509_FMT_DER, 0, 0),
                     ==, 1);
  status = judge (list, chain, count);
  gnutls_x509_trust_list_deinit (list, 1);
  return status;
}

/* With all of BUNDLE. */
static unsigned
judge_all (const GString *bundle, const Crt *chain, unsigned count)
{
  gnutls_datum_t pem
      = { (unsigned char *) bundle->str, (unsigned) bundle->len };
  gnutls_x509_trust_list_t list;
  unsigned status;

  OK (gnutls_x509_trust_list_init (&list, 0));
  OK (gnutls_x509_trust_list_add_trust_mem (list, &pem, NULL,
                                            GNUTLS_X509_FMT_PEM, 0, 0));
  status = judge (list, chain, count);
  gnutls_x509_trust_list_deinit (list, 1);
  return status;
}

/* Chains */

enum
{
  ROOT,
  TWIN,       /* two of one name */
  OTHER_TWIN,
  OLD,
  CROSS,      /* ROOT's name and key, issued by OLD */
  MIDDLE,     /* issued by ROOT */
  LEAF,       /* by MIDDLE */
  DIRECT,     /* by ROOT */
  TWINS_LEAF, /* by OTHER_TWIN */
  FORGED,     /* in ROOT's name, with another key */
  STRANGER,
  CERTIFICATES,
};

static Crt made[CERTIFICATES];

static void
make_all (void)
{
  made[ROOT] = make_root ("Root", key);
  made[TWIN] = make_root ("Twin", key);
  made[OTHER_TWIN] = make_root ("Twin", other_key);
  made[OLD] = make_root ("Old", other_key);
  made[CROSS] = make ("Root", true, key, made[OLD], other_key);
  made[MIDDLE] = make ("Middle", true, other_key, made[ROOT], key);
  made[LEAF] = make ("Leaf", false, key, made[MIDDLE], other_key);
  made[DIRECT] = make ("Direct", false, key, made[ROOT], key);
  made[TWINS_LEAF]
      = make ("Leaf", false, key, made[OTHER_TWIN], other_key);
  made[FORGED] = make ("Forged", false, key, made[ROOT], other_key);
  made[STRANGER] = make_root ("Stranger", other_key);
}

#define END CERTIFICATES

static const struct
{
  const char *name;
  int bundle[6];
  int chain[4];
  unsigned found;
  bool accepted;
} chains[] = {
  { "direct", { OLD, ROOT, TWIN, END }, { DIRECT, END }, 1, true },
  { "middle", { OLD, ROOT, END }, { LEAF, MIDDLE, END }, 1, true },
  { "with-root", { OLD, ROOT, END }, { LEAF, MIDDLE, ROOT, END }, 1, true },
  { "unsorted", { OLD, ROOT, END }, { LEAF, ROOT, MIDDLE, END }, 1, true },
  { "no-middle", { OLD, ROOT, END }, { LEAF, END }, 0, false },
  { "middle-trusted", { OLD, MIDDLE, END }, { LEAF, END }, 1, true },
  { "middle-shown", { OLD, MIDDLE, END }, { LEAF, MIDDLE, END }, 1, true },
  { "stranger", { OLD, ROOT, TWIN, END }, { STRANGER, END }, 0, false },
  { "forged", { OLD, ROOT, END }, { FORGED, END }, 1, false },
  { "forged-with-root", { ROOT, END }, { FORGED, ROOT, END }, 1, false },
  { "twins", { TWIN, OLD, OTHER_TWIN, END }, { TWINS_LEAF, END }, 2, true },
  { "other-twin", { TWIN, OLD, END }, { TWINS_LEAF, END }, 1, false },
  { "twice", { ROOT, OLD, ROOT, END }, { DIRECT, END }, 2, true },
  { "old-to-cross", { OLD, END }, { DIRECT, CROSS, END }, 1, true },
  { "new-to-cross", { ROOT, END }, { DIRECT, CROSS, END }, 1, true },
  { "both-to-cross", { OLD, ROOT, END }, { DIRECT, CROSS, OLD, END }, 2, true },
  { "cross-trusted", { CROSS, END }, { DIRECT, END }, 1, true },
  { "root-alone", { ROOT, OLD, END }, { ROOT, END }, 1, true },
  { "leaf-trusted", { LEAF, END }, { LEAF, END }, 1, true },
};

static unsigned
collect (const int *numbers, Crt *certificates)
{
  unsigned count = 0;

  while (numbers[count] != END)
    {
      certificates[count] = made[numbers[count]];
      count++;
    }
  return count;
}

static void
test_chain (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  Crt in_bundle[6], chain[4];
  unsigned in_bundle_count = collect (chains[i].bundle, in_bundle);
  unsigned count = collect (chains[i].chain, chain);
  g_autoptr (GString) bundle = make_bundle (in_bundle, in_bundle_count);
  g_autoptr (Anchors) anchors = read_bundle (bundle);
  g_autoptr (GArray) found = find (anchors, chain, count);
  unsigned status = judge_found (anchors, chain, count);

  g_assert_cmpuint (found->len, ==, chains[i].found);
  g_assert_cmpuint (status, ==, judge_all (bundle, chain, count));
  g_assert_cmpint (status == 0, ==, chains[i].accepted);
}

/* The authorities of this system, and with each of them one that has its name, a leaf
   that was issued in its name, and both. */
static void
check_authority (gnutls_x509_trust_list_t all, const Anchors *anchors,
                 Crt authority)
{
  bool rsa = gnutls_x509_crt_get_pk_algorithm (authority, NULL)
             == GNUTLS_PK_RSA;
  Crt leaf = make ("Leaf", false, key, authority, rsa ? rsa_key : key);
  Crt chain[] = { leaf, authority };
  gnutls_datum_t der = export (authority, GNUTLS_X509_FMT_DER);
  g_autoptr (GArray) found = find (anchors, &authority, 1);
  bool itself = false;

  for (unsigned i = 0; i < found->len; i++)
    {
      const gnutls_datum_t *one = &g_array_index (found, gnutls_datum_t, i);

      itself = itself
               || (one->size == der.size
                   && memcmp (one->data, der.data, der.size) == 0);
    }
  g_assert_true (itself);
  g_assert_cmpuint (judge (all, &authority, 1), ==,
                    judge_found (anchors, &authority, 1));
  g_assert_cmpuint (judge (all, chain, 1), ==,
                    judge_found (anchors, chain, 1));
  g_assert_cmpuint (judge (all, chain, 2), ==,
                    judge_found (anchors, chain, 2));
  gnutls_free (der.data);
  gnutls_x509_crt_deinit (leaf);
}

static void
test_system (void)
{
  g_autoptr (GString) bundle = g_string_new (NULL);
  g_autoptr (Anchors) anchors = NULL;
  gnutls_datum_t pem;
  gnutls_x509_trust_list_t all;
  Crt *authorities;
  unsigned count;
  char *text;
  gsize length;

  if (TRUST_BUNDLE[0] == '\0'
      || !g_file_get_contents (TRUST_BUNDLE, &text, &length, NULL))
    {
      g_test_skip ("this system has no bundle of authorities");
      return;
    }
  g_string_append_len (bundle, text, (gssize) length);
  g_free (text);
  pem = (gnutls_datum_t){ (unsigned char *) bundle->str, (unsigned) length };
  anchors = anchors_new (&pem);
  g_assert_nonnull (anchors);
  OK (gnutls_x509_trust_list_init (&all, 0));
  OK (gnutls_x509_trust_list_add_system_trust (all, 0, 0));
  OK (gnutls_x509_crt_list_import2 (&authorities, &count, &pem,
                                    GNUTLS_X509_FMT_PEM, 0));
  g_test_message ("%u authorities", count);
  for (unsigned i = 0; i < count; i++)
    {
      check_authority (all, anchors, authorities[i]);
      gnutls_x509_crt_deinit (authorities[i]);
    }
  gnutls_free (authorities);
  gnutls_x509_trust_list_deinit (all, 1);
}

/* Bundles */

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define FINISH "-----END CERTIFICATE-----"

static char *
replace (const char *text, const char *what, const char *with)
{
  g_auto (GStrv) parts = g_strsplit (text, what, -1);

  return g_strjoinv (with, parts);
}

/* ROOT in PEM, with what WHAT says once replaced by WITH (of all its lines where WHAT
   ends one), and BEFORE and AFTER around it. */
static const struct
{
  const char *name;
  const char *before, *what, *with, *after;
  bool left; /* to GnuTLS */
} forms[] = {
  { "plain", "", "", "", "", false },
  { "crlf", "", "\n", "\r\n", "", false },
  { "one-line", "", "\n", "", "", false },
  { "blanks", "", "\n", " \t\n  ", "", false },
  { "text", "# Root \303\251\n\n=====\nSerial: -----\n", "", "",
    "-----\nmore\n-----END", false },
  { "empty", "", NULL, "", "", true },
  { "garbage", "", NULL, "garbage\n", "", true },
  { "no-end", "", FINISH, "", "", true },
  { "short-end", "", FINISH "\n", "-----END CERTIFICATE", "", true },
  { "other-end", "", FINISH, "-----END ATTRIBUTE CERTIFICATE-----", "", true },
  { "joined", "", FINISH "\n", "-----END CERTIFICATE---------BEGIN X-----\n",
    "", true },
  { "no-begin", "", BEGIN, "", "", true },
  { "old-label", "", "CERTIFICATE", "X509 CERTIFICATE", "", true },
  { "trusted", "", "CERTIFICATE", "TRUSTED CERTIFICATE", "", true },
  { "begin-in-begin", BEGIN "\n", "", "", "", true },
  { "cut-short-behind", "", "", "", BEGIN "\nMIIB", true },
  { "begin-alone-behind", "", "", "", BEGIN, true },
  { "list-behind", "", "", "",
    "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n", true },
  { "not-base64", "", "\n-----END", "*\n-----END", "", true },
  { "nul", "", NULL, "\0", "", true },
  { "too-long", "", "\n-----END", "AAAA\n-----END", "", true },
  { "padding-amid", "", BEGIN "\n", BEGIN "\n=", "", true },
  { "padding-alone", "", NULL, BEGIN "\n=\n" FINISH "\n", "", true },
  { "nothing-in-it", "", NULL, BEGIN "\n" FINISH "\n", "", true },
  { "not-der", "", BEGIN "\nMII", BEGIN "\nNII", "", true },
  { "too-short", "", BEGIN "\nMIIB", BEGIN "\n", "", true },
};

static void
test_form (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  g_autoptr (GString) plain = make_bundle (&made[ROOT], 1);
  g_autofree char *text
      = forms[i].what == NULL ? g_strdup (forms[i].with)
        : *forms[i].what == '\0'
            ? g_strdup (plain->str)
            : replace (plain->str, forms[i].what, forms[i].with);
  g_autoptr (GString) bundle = g_string_new (forms[i].before);
  g_autoptr (Anchors) anchors = NULL;

  g_string_append (bundle, text);
  g_string_append (bundle, forms[i].after);
  g_test_message ("%s", bundle->str);
  anchors = read_bundle (bundle);
  g_assert_cmpint (anchors == NULL, ==, forms[i].left);
  if (anchors != NULL)
    {
      g_autoptr (GArray) found = find (anchors, &made[DIRECT], 1);

      g_assert_cmpuint (found->len, ==, 1);
      g_assert_cmpuint (judge_found (anchors, &made[DIRECT], 1), ==, 0);
    }
}

/* Bits that are left over, and every octet that may be cut off or changed: what is
   taken is what GnuTLS takes. */
static void
test_damage (void)
{
  g_autoptr (GString) bundle = make_bundle (&made[ROOT], 1);
  char *body = strchr (bundle->str, '\n') + 1;
  size_t length = (size_t) (strstr (body, "\n" FINISH) - body);

  for (size_t i = 0; i < length; i++)
    {
      char kept = body[i];
      g_autoptr (Anchors) anchors = NULL;

      if (kept == '\n' || kept == '=')
        continue;
      body[i] = i % 2 == 0 ? '!' : '=';
      anchors = read_bundle (bundle);
      g_assert_null (anchors);
      body[i] = kept;
    }
  for (size_t i = 0; i < length; i++)
    {
      g_autoptr (GString) cut = g_string_new (bundle->str);
      g_autoptr (Anchors) anchors = NULL;

      if (body[i] == '\n')
        continue;
      g_string_erase (cut, (body - bundle->str) + (gssize) i, 1);
      anchors = read_bundle (cut);
      g_assert_null (anchors);
    }
}

/* The least that has the form of a certificate, in base64 that ends in each way, and
   what is wrong with such an end. */
static const struct
{
  const char *name;
  const char *base64;
  bool taken;
} ends[] = {
  { "whole", "MBMwDQIBATAAMAAwADAAMAAwAAMA", true },
  { "padded-whole", "MBMwDQIBATAAMAAwADAAMAAwAAMA=", false },
  { "whole-and-four", "MBMwDQIBATAAMAAwADAAMAAwAAMA====", false },
  { "one-over", "MBQwDgICAQEwADAAMAAwADAAMAADAA==", true },
  { "one-over-bits", "MBQwDgICAQEwADAAMAAwADAAMAADAB==", false },
  { "one-over-short", "MBQwDgICAQEwADAAMAAwADAAMAADAA=", false },
  { "one-over-bare", "MBQwDgICAQEwADAAMAAwADAAMAADAA", false },
  { "two-over", "MBUwDwIDAQEBMAAwADAAMAAwADAAAwA=", true },
  { "two-over-bits", "MBUwDwIDAQEBMAAwADAAMAAwADAAAwB=", false },
  { "two-over-long", "MBUwDwIDAQEBMAAwADAAMAAwADAAAwA==", false },
  { "after-padding", "MBUwDwIDAQEBMAAwADAAMAAwADAAAwA=A", false },
};

static void
test_end (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  g_autoptr (GString) bundle = g_string_new (NULL);
  g_autoptr (Anchors) anchors = NULL;

  g_string_printf (bundle, BEGIN "\n%s\n" FINISH "\n", ends[i].base64);
  anchors = read_bundle (bundle);
  g_assert_cmpint (anchors != NULL, ==, ends[i].taken);
}

/* A chain that cannot be read is for GnuTLS, wherever it ends. */
static void
test_unreadable_chain (void)
{
  g_autoptr (GString) bundle = make_bundle (&made[ROOT], 1);
  g_autoptr (Anchors) anchors = read_bundle (bundle);
  g_autoptr (GArray) found
      = g_array_new (FALSE, FALSE, sizeof (gnutls_datum_t));
  gnutls_datum_t good = export (made[DIRECT], GNUTLS_X509_FMT_DER);
  gnutls_datum_t chain[] = { good, good };

  for (unsigned size = 0; size < good.size; size++)
    {
      g_autofree unsigned char *octets = g_memdup2 (good.data, size);

      chain[1] = (gnutls_datum_t){ octets, size };
      g_assert_false (anchors_find (anchors, chain, 2, found));
    }
  g_assert_cmpuint (found->len, ==, 0);
  g_assert_true (anchors_find (anchors, NULL, 0, found));
  g_assert_cmpuint (found->len, ==, 0);
  gnutls_free (good.data);
}

static void
make_keys (void)
{
  gnutls_x509_privkey_t *const keys[] = { &key, &other_key };

  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      OK (gnutls_x509_privkey_init (keys[i]));
      OK (gnutls_x509_privkey_generate (
          *keys[i], GNUTLS_PK_ECDSA,
          GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0));
    }
  OK (gnutls_x509_privkey_init (&rsa_key));
  OK (gnutls_x509_privkey_generate (rsa_key, GNUTLS_PK_RSA, 2048, 0));
}

#define ADD_TABLE(prefix, table, function)                                    \
  for (size_t i = 0; i < G_N_ELEMENTS (table); i++)                           \
    {                                                                         \
      g_autofree char *path = g_strconcat (prefix, table[i].name, NULL);      \
                                                                              \
      g_test_add_data_func (path, GSIZE_TO_POINTER (i), function);            \
    }

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  make_keys ();
  make_all ();
  ADD_TABLE ("/smtp/anchors/chain/", chains, test_chain);
  ADD_TABLE ("/smtp/anchors/form/", forms, test_form);
  ADD_TABLE ("/smtp/anchors/end/", ends, test_end);
  g_test_add_func ("/smtp/anchors/damage", test_damage);
  g_test_add_func ("/smtp/anchors/unreadable-chain", test_unreadable_chain);
  g_test_add_func ("/smtp/anchors/system", test_system);
  result = g_test_run ();
  for (size_t i = 0; i < CERTIFICATES; i++)
    gnutls_x509_crt_deinit (made[i]);
  gnutls_x509_privkey_deinit (key);
  gnutls_x509_privkey_deinit (other_key);
  gnutls_x509_privkey_deinit (rsa_key);
  return result;
}
