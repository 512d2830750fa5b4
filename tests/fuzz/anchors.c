/* Any octets as a bundle of authorities, as an authority, and as the certificate whose
 * issuer is looked for there. What GnuTLS can read of a bundle that is taken has the names that
 * were found. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>
#include <gnutls/x509.h>

#include "smtp/tls-anchors.h"

static bool
has_name (const gnutls_datum_t *name, gnutls_x509_crt_t certificate,
          int (*get) (gnutls_x509_crt_t, gnutls_datum_t *))
{
  gnutls_datum_t own;
  bool same;

  if (get (certificate, &own) < 0)
    return false;
  same = own.size == name->size
         && memcmp (own.data, name->data, own.size) == 0;
  gnutls_free (own.data);
  return same;
}

/* All, and no others, of CERTIFICATES whose subject is a name of one that is shown. */
static void
check_found (const Anchors *anchors, const gnutls_x509_crt_t *certificates,
             unsigned count, unsigned shown)
{
  g_autoptr (GArray) found
      = g_array_new (FALSE, FALSE, sizeof (gnutls_datum_t));
  unsigned expected = 0;
  gnutls_datum_t der;

  g_assert (gnutls_x509_crt_export2 (certificates[shown], GNUTLS_X509_FMT_DER,
                                     &der)
            >= 0);
  g_assert (anchors_find (anchors, &der, 1, found));
  for (unsigned i = 0; i < count; i++)
    {
      gnutls_datum_t subject;

      g_assert (gnutls_x509_crt_get_raw_dn (certificates[i], &subject) >= 0);
      expected += has_name (&subject, certificates[shown],
                            gnutls_x509_crt_get_raw_dn)
                  || has_name (&subject, certificates[shown],
                               gnutls_x509_crt_get_raw_issuer_dn);
      gnutls_free (subject.data);
    }
  g_assert (found->len == expected);
  gnutls_free (der.data);
}

static void
check_bundle (const gnutls_datum_t *pem, const gnutls_datum_t *shown)
{
  g_autoptr (Anchors) anchors = anchors_new (pem);
  g_autoptr (GArray) found
      = g_array_new (FALSE, FALSE, sizeof (gnutls_datum_t));
  gnutls_x509_crt_t *certificates;
  unsigned count;

  if (anchors == NULL)
    return;
  (void) anchors_find (anchors, shown, 1, found);
  if (gnutls_x509_crt_list_import2 (&certificates, &count, pem,
                                    GNUTLS_X509_FMT_PEM, 0)
      < 0)
    return;
  for (unsigned i = 0; i < count; i++)
    check_found (anchors, certificates, count, i);
  for (unsigned i = 0; i < count; i++)
    gnutls_x509_crt_deinit (certificates[i]);
  gnutls_free (certificates);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  gnutls_datum_t octets = { (unsigned char *) data, (unsigned) size };
  g_autofree char *encoded = g_base64_encode (data, size);
  g_autofree char *block
      = g_strdup_printf ("-----BEGIN CERTIFICATE-----\n%s\n"
                         "-----END CERTIFICATE-----\n",
                         encoded);

  check_bundle (&octets, &octets);
  check_bundle (&(gnutls_datum_t){ (unsigned char *) block,
                                   (unsigned) strlen (block) },
                &octets);
  return 0;
}
