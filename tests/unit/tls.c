/* Which certificates and which kinds of TLS are accepted, what is said about
 * those that are not, and what a hostile peer can do after the handshake. The
 * relay is a GnuTLS server in a thread, at the other end of a socket pair. */

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gstdio.h>

#include "base/failure.h"
#include "smtp/stream.h"

#define SOON 10000 /* ms; nothing that is expected to happen takes as long */
#define YEAR_2020 1577836800
#define YEAR_2021 1609459200
#define YEAR_2050 2524608000
#define YEAR_2051 2556144000
#define MUST_STAPLE 5 /* RFC 7633, RFC 6066 section 8 */

/* Certificates */

typedef struct
{
  gnutls_x509_crt_t certificate;
  gnutls_x509_privkey_t key;
} Identity;

enum
{
  SORTED,
  UNSORTED,   /* and with the root */
  INCOMPLETE, /* without the intermediate */
};

typedef struct
{
  const char *common_name;          /* nullable */
  const char *dns, *more_dns;       /* nullable */
  size_t dns_length;                /* where it holds odd octets */
  const char *ip;                   /* four octets; nullable */
  const char *purpose;              /* nullable: TLS server */
  time_t from, until;               /* 0: valid now */
  unsigned rsa_bits;                /* 0: an EC key */
  gnutls_digest_algorithm_t digest; /* 0: SHA-256 */
  unsigned feature;
  bool authority;
  const char *permitted; /* name constraint of an authority */
  int order;             /* of the chain that is sent */
} Wanted;

static char *directory;
static Identity root, stranger, intermediate, constrained;

#define OK(call) g_assert_cmpint (call, >=, 0)

static void
make_key (Identity *identity, const Wanted *wanted)
{
  OK (gnutls_x509_privkey_init (&identity->key));
  if (wanted->rsa_bits != 0)
    OK (gnutls_x509_privkey_generate (identity->key, GNUTLS_PK_RSA,
                                      wanted->rsa_bits, 0));
  else
    OK (gnutls_x509_privkey_generate (
        identity->key, GNUTLS_PK_ECDSA,
        GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0));
}

/* A dNSName of octets that GnuTLS would not put there itself, in DER. */
static void
add_raw_name (gnutls_x509_crt_t certificate, const char *name, size_t length)
{
  g_autoptr (GByteArray) der = g_byte_array_new ();

  g_byte_array_append (
      der, (uint8_t[]){ 0x30, (uint8_t) (length + 2), 0x82, (uint8_t) length },
      4);
  g_byte_array_append (der, (const uint8_t *) name, (unsigned) length);
  OK (gnutls_x509_crt_set_extension_by_oid (certificate, "2.5.29.17",
                                            der->data, der->len, 0));
}

static void
add_names (gnutls_x509_crt_t certificate, const Wanted *wanted)
{
  const char *name =
      wanted->common_name != NULL ? wanted->common_name : "Somebody";

  OK (gnutls_x509_crt_set_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME,
                                     0, name, (unsigned) strlen (name)));
  if (wanted->dns_length != 0)
    add_raw_name (certificate, wanted->dns, wanted->dns_length);
  else if (wanted->dns != NULL)
    OK (gnutls_x509_crt_set_subject_alt_name (
        certificate, GNUTLS_SAN_DNSNAME, wanted->dns,
        (unsigned) strlen (wanted->dns), GNUTLS_FSAN_APPEND));
  if (wanted->more_dns != NULL)
    OK (gnutls_x509_crt_set_subject_alt_name (
        certificate, GNUTLS_SAN_DNSNAME, wanted->more_dns,
        (unsigned) strlen (wanted->more_dns), GNUTLS_FSAN_APPEND));
  if (wanted->ip != NULL)
    OK (gnutls_x509_crt_set_subject_alt_name (
        certificate, GNUTLS_SAN_IPADDRESS, wanted->ip, 4, GNUTLS_FSAN_APPEND));
}

static void
add_extensions (gnutls_x509_crt_t certificate, const Wanted *wanted)
{
  OK (gnutls_x509_crt_set_basic_constraints (certificate, wanted->authority,
                                             -1));
  if (!wanted->authority)
    OK (gnutls_x509_crt_set_key_purpose_oid (
        certificate,
        wanted->purpose != NULL ? wanted->purpose : GNUTLS_KP_TLS_WWW_SERVER,
        0));
  if (wanted->feature != 0)
    {
      gnutls_x509_tlsfeatures_t features;

      OK (gnutls_x509_tlsfeatures_init (&features));
      OK (gnutls_x509_tlsfeatures_add (features, wanted->feature));
      OK (gnutls_x509_crt_set_tlsfeatures (certificate, features));
      gnutls_x509_tlsfeatures_deinit (features);
    }
  if (wanted->permitted != NULL)
    {
      gnutls_x509_name_constraints_t constraints;

      OK (gnutls_x509_name_constraints_init (&constraints));
      OK (gnutls_x509_name_constraints_add_permitted (
          constraints, GNUTLS_SAN_DNSNAME,
          &(gnutls_datum_t){ (unsigned char *) wanted->permitted,
                             (unsigned) strlen (wanted->permitted) }));
      OK (gnutls_x509_crt_set_name_constraints (certificate, constraints, 1));
      gnutls_x509_name_constraints_deinit (constraints);
    }
}

/* Key usage and the identifiers of own and issuer's key. */
static void
add_key_details (gnutls_x509_crt_t certificate, gnutls_x509_crt_t issuer,
                 const Wanted *wanted)
{
  unsigned char id[64];
  size_t size = sizeof (id);

  OK (gnutls_x509_crt_set_key_usage (
      certificate,
      wanted->authority
          ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN
          : GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT));
  OK (gnutls_x509_crt_get_key_id (certificate, 0, id, &size));
  OK (gnutls_x509_crt_set_subject_key_id (certificate, id, size));
  size = sizeof (id);
  OK (gnutls_x509_crt_get_key_id (issuer, 0, id, &size));
  OK (gnutls_x509_crt_set_authority_key_id (certificate, id, size));
}

/* ISSUER NULL: self-signed. */
static Identity
make_identity (const Wanted *wanted, const Identity *issuer)
{
  static uint32_t serial = 0x10000000;
  Identity identity;
  time_t now = time (NULL);

  serial++;
  make_key (&identity, wanted);
  OK (gnutls_x509_crt_init (&identity.certificate));
  OK (gnutls_x509_crt_set_version (identity.certificate, 3));
  OK (gnutls_x509_crt_set_serial (identity.certificate, &serial,
                                  sizeof (serial)));
  OK (gnutls_x509_crt_set_activation_time (
      identity.certificate, wanted->from != 0 ? wanted->from : now - 3600));
  OK (gnutls_x509_crt_set_expiration_time (
      identity.certificate, wanted->until != 0 ? wanted->until : now + 3600));
  OK (gnutls_x509_crt_set_key (identity.certificate, identity.key));
  add_names (identity.certificate, wanted);
  add_extensions (identity.certificate, wanted);
  if (issuer == NULL)
    issuer = &identity;
  add_key_details (identity.certificate, issuer->certificate, wanted);
  OK (gnutls_x509_crt_sign2 (
      identity.certificate, issuer->certificate, issuer->key,
      wanted->digest != 0 ? wanted->digest : GNUTLS_DIG_SHA256, 0));
  return identity;
}

static void
free_identity (Identity *identity)
{
  gnutls_x509_crt_deinit (identity->certificate);
  gnutls_x509_privkey_deinit (identity->key);
}

static char *
in_directory (const char *name)
{
  return g_build_filename (directory, name, NULL);
}

static char *
write_file (const char *name, const void *octets, size_t length)
{
  char *path = in_directory (name);

  g_assert_true (g_file_set_contents_full (
      path, octets, (gssize) length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  return path;
}

static char *
write_certificate (const char *name, const Identity *identity)
{
  gnutls_datum_t pem;
  char *path;

  OK (gnutls_x509_crt_export2 (identity->certificate, GNUTLS_X509_FMT_PEM,
                               &pem));
  path = write_file (name, pem.data, pem.size);
  gnutls_free (pem.data);
  return path;
}

static char *
write_key (const char *name, const Identity *identity)
{
  gnutls_datum_t pem;
  char *path;

  OK (gnutls_x509_privkey_export2_pkcs8 (identity->key, GNUTLS_X509_FMT_PEM,
                                         NULL, GNUTLS_PKCS_PLAIN, &pem));
  path = write_file (name, pem.data, pem.size);
  gnutls_free (pem.data);
  return path;
}

/* The relay */

typedef struct Server Server;
struct Server
{
  int fd;
  const char *priority; /* nullable */
  gnutls_x509_crt_t chain[3];
  unsigned chain_length;
  gnutls_x509_privkey_t key;
  bool ask_certificate;
  void (*raw) (Server *server); /* instead of all TLS; nullable */
  void (*after) (Server *server, gnutls_session_t session); /* nullable */
  /* What it saw. */
  int result; /* of the handshake */
  char name[256];
  unsigned certificates;
  GString *extensions;
  GBytes *binding;
};

static int
see_extension (void *data, unsigned type, const unsigned char *octets,
               unsigned size)
{
  g_string_append_printf (data, " %u ", type);
  return 0;
}

static int
see_hello (gnutls_session_t session, unsigned type, unsigned when,
           unsigned incoming, const gnutls_datum_t *message)
{
  Server *server = gnutls_session_get_ptr (session);

  OK (gnutls_ext_raw_parse (server->extensions, see_extension, message,
                            GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO));
  return 0;
}

static void
look_around (Server *server, gnutls_session_t session)
{
  size_t size = sizeof (server->name);
  unsigned type;
  gnutls_datum_t binding;

  if (gnutls_server_name_get (session, server->name, &size, &type, 0) != 0)
    server->name[0] = '\0';
  (void) gnutls_certificate_get_peers (session, &server->certificates);
  if (gnutls_session_channel_binding (session, GNUTLS_CB_TLS_EXPORTER,
                                      &binding)
      == 0)
    {
      server->binding = g_bytes_new (binding.data, binding.size);
      gnutls_free (binding.data);
    }
}

static void
greet (gnutls_session_t session)
{
  static const char greeting[] = "220 hello\r\n";

  (void) gnutls_record_send (session, greeting, strlen (greeting));
}

/* Until the client is gone. */
static void
drain (Server *server)
{
  char octets[4096];

  (void) shutdown (server->fd, SHUT_WR);
  while (recv (server->fd, octets, sizeof (octets), 0) > 0)
    ;
}

static void
serve_tls (Server *server)
{
  gnutls_certificate_credentials_t credentials;
  gnutls_session_t session;
  gnutls_datum_t ticket_key;

  OK (gnutls_certificate_allocate_credentials (&credentials));
  OK (gnutls_certificate_set_x509_key (
      credentials, server->chain, (int) server->chain_length, server->key));
  OK (gnutls_init (&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL));
  OK (gnutls_priority_set_direct (
      session, server->priority != NULL ? server->priority : "NORMAL", NULL));
  OK (gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, credentials));
  OK (gnutls_session_ticket_key_generate (&ticket_key));
  OK (gnutls_session_ticket_enable_server (session, &ticket_key));
  if (server->ask_certificate)
    gnutls_certificate_server_set_request (session, GNUTLS_CERT_REQUEST);
  gnutls_session_set_ptr (session, server);
  gnutls_handshake_set_hook_function (session, GNUTLS_HANDSHAKE_CLIENT_HELLO,
                                      GNUTLS_HOOK_PRE, see_hello);
  gnutls_transport_set_int (session, server->fd);
  do
    server->result = gnutls_handshake (session);
  while (server->result < 0 && !gnutls_error_is_fatal (server->result));
  if (server->result == 0)
    {
      look_around (server, session);
      if (server->after != NULL)
        server->after (server, session);
      else
        greet (session);
    }
  else
    (void) gnutls_alert_send_appropriate (session, server->result);
  drain (server);
  gnutls_deinit (session);
  gnutls_certificate_free_credentials (credentials);
  gnutls_free (ticket_key.data);
}

static void *
serve (void *data)
{
  Server *server = data;

  if (server->raw != NULL)
    server->raw (server);
  else
    serve_tls (server);
  return NULL;
}

/* The client */

typedef struct
{
  Server server;
  Relay relay;
  Stream *stream;
  GThread *thread;
  Identity identity;
} Meeting;

static void
meet (Meeting *meeting, const char *host)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                   ==, 0);
  meeting->server.fd = pair[1];
  meeting->server.extensions = g_string_new (NULL);
  relay_init (&meeting->relay);
  meeting->relay.host = g_strdup (host);
  meeting->relay.port = 465;
  meeting->relay.trust_file = in_directory ("root.pem");
  g_unix_set_fd_nonblocking (pair[0], TRUE, NULL);
  meeting->stream = stream_new (pair[0], NULL);
}

static void
use_identity (Meeting *meeting, const Wanted *wanted, const Identity *issuer)
{
  meeting->identity = make_identity (wanted, issuer);
  meeting->server.key = meeting->identity.key;
  meeting->server.chain[0] = meeting->identity.certificate;
  meeting->server.chain_length = 1;
}

static const Wanted good = { .dns = "mail.example" };

static void
meet_good (Meeting *meeting)
{
  meet (meeting, "mail.example");
  use_identity (meeting, &good, &root);
}

static bool
start (Meeting *meeting, GError **error)
{
  meeting->thread = g_thread_new ("relay", serve, &meeting->server);
  return stream_start_tls (meeting->stream, &meeting->relay,
                           deadline_in (SOON), error);
}

static void
start_well (Meeting *meeting)
{
  g_autoptr (GError) error = NULL;

  start (meeting, &error);
  g_assert_no_error (error);
}

/* Hangs up and waits for the server. */
static void
hang_up (Meeting *meeting)
{
  g_clear_pointer (&meeting->stream, stream_close);
  g_clear_pointer (&meeting->thread, g_thread_join);
}

static void
part (Meeting *meeting)
{
  hang_up (meeting);
  close (meeting->server.fd);
  g_string_free (meeting->server.extensions, TRUE);
  g_clear_pointer (&meeting->server.binding, g_bytes_unref);
  relay_clear (&meeting->relay);
  if (meeting->identity.key != NULL)
    free_identity (&meeting->identity);
  *meeting = (Meeting){ .thread = NULL };
}

/* ERROR's text, with the fingerprint shortened to FP. */
static void
assert_refused (GError **error, Failure kind, const char *text)
{
  g_autoptr (GRegex) fingerprint =
      g_regex_new ("([0-9A-F]{2}:){31}[0-9A-F]{2}", 0, 0, NULL);
  g_autofree char *got = NULL;

  g_assert_error (*error, FAILURE, (int) kind);
  got = g_regex_replace_literal (fingerprint, (*error)->message, -1, 0, "FP",
                                 0, NULL);
  g_assert_cmpstr (got, ==, text);
  g_clear_error (error);
}

static void
assert_line (Meeting *meeting, const char *expected)
{
  g_autoptr (GError) error = NULL;
  size_t length;
  const char *line = stream_read_line (meeting->stream, &length, NULL,
                                       deadline_in (SOON), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (line, ==, expected);
}

static void
assert_no_line (Meeting *meeting, Failure kind, const char *text)
{
  g_autoptr (GError) error = NULL;
  size_t length;

  g_assert_null (stream_read_line (meeting->stream, &length, NULL,
                                   deadline_in (SOON), &error));
  assert_refused (&error, kind, text);
}

/* Certificates and what is said about them */

#define FP "; SHA-256 fingerprint FP; "
#define TELL "tell whoever runs the relay"
#define CLOCK "check the clock of this computer, then " TELL
#define OTHERS(host, names)                                                   \
  host ":465: its certificate is for another name (" names ")" FP "check `host'"

static const struct
{
  const char *name;
  Wanted wanted;
  const Identity *issuer; /* NULL: itself */
  const char *host;
  const char *refused; /* NULL: accepted */
} certificates[] = {
  { "good", { .dns = "mail.example" }, &root, "mail.example", NULL },
  { "second-name",
    { .dns = "a.example", .more_dns = "mail.example" },
    &root,
    "mail.example",
    NULL },
  { "case", { .dns = "mail.example" }, &root, "MAIL.Example", NULL },
  { "trailing-dot", { .dns = "mail.example" }, &root, "mail.example.", NULL },
  { "wrong-host",
    { .dns = "a.example", .more_dns = "b.example" },
    &root,
    "mail.example",
    OTHERS ("mail.example", "a.example, b.example") },
  { "subdomain",
    { .dns = "mail.example" },
    &root,
    "a.mail.example",
    OTHERS ("a.mail.example", "mail.example") },
  { "wildcard", { .dns = "*.mail.example" }, &root, "a.mail.example", NULL },
  { "wildcard-two-labels",
    { .dns = "*.mail.example" },
    &root,
    "a.b.mail.example",
    OTHERS ("a.b.mail.example", "*.mail.example") },
  { "wildcard-partial",
    { .dns = "a*.mail.example" },
    &root,
    "ab.mail.example",
    OTHERS ("ab.mail.example", "a*.mail.example") },
  { "wildcard-top",
    { .dns = "*.example" },
    &root,
    "mail.example",
    OTHERS ("mail.example", "*.example") },
  { "wildcard-of-all",
    { .dns = "*" },
    &root,
    "mail.example",
    OTHERS ("mail.example", "*") },
  { "embedded-nul",
    { .dns = "mail.example\0.evil.test", .dns_length = 23 },
    &root,
    "mail.example",
    OTHERS ("mail.example", "mail.example?.evil.test") },
  { "escape",
    { .dns = "\033[31mred.example", .dns_length = 16 },
    &root,
    "mail.example",
    OTHERS ("mail.example", "?[31mred.example") },
  { "cn-only",
    { .common_name = "mail.example" },
    &root,
    "mail.example",
    "mail.example:465: its certificate has no subjectAltName, only a CN" FP
        TELL },
  { "cn-and-ip",
    { .common_name = "mail.example", .ip = "\177\0\0\1" },
    &root,
    "mail.example",
    "mail.example:465: its certificate is for another name" FP "check `host'" },
  { "ip", { .ip = "\177\0\0\1" }, &root, "127.0.0.1", NULL },
  { "wrong-ip",
    { .ip = "\177\0\0\2" },
    &root,
    "127.0.0.1",
    "127.0.0.1:465: its certificate is for another name" FP "check `host'" },
  { "ip-as-name",
    { .common_name = "127.0.0.1", .dns = "127.0.0.1" },
    &root,
    "127.0.0.1",
    OTHERS ("127.0.0.1", "127.0.0.1") },
  { "idn",
    { .dns = "xn--stra-yna.example" },
    &root,
    "stra\303\237.example",
    NULL },
  { "expired",
    { .dns = "mail.example", .from = YEAR_2020, .until = YEAR_2021 },
    &root,
    "mail.example",
    "mail.example:465: its certificate has expired (2020-01-01/2021-01-01)" FP
        CLOCK },
  { "not-yet-valid",
    { .dns = "mail.example", .from = YEAR_2050, .until = YEAR_2051 },
    &root,
    "mail.example",
    "mail.example:465: its certificate is not valid yet "
    "(2050-01-01/2051-01-01)" FP CLOCK },
  { "self-signed",
    { .dns = "mail.example" },
    NULL,
    "mail.example",
    "mail.example:465: its certificate is self-signed" FP
    "if the relay is your own, name this certificate in `trust-file'" },
  { "unknown-authority",
    { .dns = "mail.example" },
    &stranger,
    "mail.example",
    "mail.example:465: no authority that is trusted here vouches for its "
    "certificate" FP
    "if the relay is your own, name its authority's certificate in "
    "`trust-file'" },
  { "client-only",
    { .dns = "mail.example", .purpose = GNUTLS_KP_TLS_WWW_CLIENT },
    &root,
    "mail.example",
    "mail.example:465: its certificate is not meant for a server" FP TELL },
  { "rsa-2048",
    { .dns = "mail.example", .rsa_bits = 2048 },
    &root,
    "mail.example",
    NULL },
  { "rsa-1024",
    { .dns = "mail.example", .rsa_bits = 1024 },
    &root,
    "mail.example",
    "mail.example:465: its certificate has a key or a signature that is too "
    "weak" FP TELL },
  { "sha1",
    { .dns = "mail.example", .digest = GNUTLS_DIG_SHA1 },
    &root,
    "mail.example",
    "mail.example:465: its certificate has a key or a signature that is too "
    "weak" FP TELL },
  { "must-staple",
    { .dns = "mail.example", .feature = MUST_STAPLE },
    &root,
    "mail.example",
    "mail.example:465: its certificate demands an OCSP response and none came "
    "with it" FP TELL },
  { "intermediate",
    { .dns = "mail.example" },
    &intermediate,
    "mail.example",
    NULL },
  { "unsorted",
    { .dns = "mail.example", .order = UNSORTED },
    &intermediate,
    "mail.example",
    NULL },
  { "missing-intermediate",
    { .dns = "mail.example", .order = INCOMPLETE },
    &intermediate,
    "mail.example",
    "mail.example:465: no authority that is trusted here vouches for its "
    "certificate" FP
    "if the relay is your own, name its authority's certificate in "
    "`trust-file'" },
  { "name-constraint",
    { .dns = "mail.example" },
    &constrained,
    "mail.example",
    "mail.example:465: its certificate was issued by an authority that may "
    "not do so for this name" FP TELL },
};

/* Which chain the server sends. */
static void
order_chain (Server *server, const Identity *issuer, int order)
{
  gnutls_x509_crt_t own = server->chain[0];

  if (issuer == &constrained)
    server->chain[server->chain_length++] = constrained.certificate;
  if (issuer != &intermediate || order == INCOMPLETE)
    return;
  server->chain[1] = intermediate.certificate;
  server->chain_length = 2;
  if (order == UNSORTED)
    {
      server->chain[0] = own;
      server->chain[1] = root.certificate;
      server->chain[2] = intermediate.certificate;
      server->chain_length = 3;
    }
}

static void
test_certificate (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;
  bool accepted;

  meet (&meeting, certificates[i].host);
  use_identity (&meeting, &certificates[i].wanted, certificates[i].issuer);
  order_chain (&meeting.server, certificates[i].issuer,
               certificates[i].wanted.order);
  accepted = start (&meeting, &error);
  if (certificates[i].refused != NULL)
    assert_refused (&error, FAILURE_CERTIFICATE, certificates[i].refused);
  else
    {
      g_assert_no_error (error);
      assert_line (&meeting, "220 hello");
    }
  g_assert_cmpint (accepted, ==, certificates[i].refused == NULL);
  g_assert_cmpint (stream_is_tls (meeting.stream), ==, accepted);
  part (&meeting);
}

/* Kinds of TLS */

#define WEAK                                                                  \
  "mail.example:465: the relay refused TLS 1.2 or later with ECDHE and AEAD " \
  "(alert 40, Handshake failed)"

static const struct
{
  const char *name;
  const char *priority;
  const char *description; /* NULL: refused */
  const char *refused;
  bool binding;
} kinds[] = {
  { "1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "TLS1.3 TLS_AES_256_GCM_SHA384",
    NULL, true },
  { "1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2",
    "TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", NULL, true },
  { "1.2-without-ems", "NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_SESSION_HASH",
    "TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", NULL, false },
  { "1.1", "LEGACY:-VERS-ALL:+VERS-TLS1.1:+SHA1", NULL, WEAK, false },
  { "1.0", "LEGACY:-VERS-ALL:+VERS-TLS1.0:+SHA1", NULL, WEAK, false },
  { "cbc",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC",
    NULL, WEAK, false },
  { "dhe", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA", NULL, WEAK,
    false },
  { "rsa", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", NULL, WEAK, false },
};

static void
test_kind (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  const Wanted rsa = { .dns = "mail.example", .rsa_bits = 2048 };
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) binding = NULL;

  meet (&meeting, "mail.example");
  use_identity (&meeting, kinds[i].description != NULL ? &good : &rsa, &root);
  meeting.server.priority = kinds[i].priority;
  start (&meeting, &error);
  if (kinds[i].description == NULL)
    {
      assert_refused (&error, FAILURE_CERTIFICATE, kinds[i].refused);
      part (&meeting);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpstr (stream_tls_description (meeting.stream), ==,
                   kinds[i].description);
  assert_line (&meeting, "220 hello");
  binding = stream_channel_binding (meeting.stream);
  hang_up (&meeting);
  g_assert_cmpint (binding != NULL, ==, kinds[i].binding);
  if (binding != NULL)
    g_assert_true (g_bytes_equal (binding, meeting.server.binding));
  part (&meeting);
}

/* What is asked for */

static bool
asked_for (const Meeting *meeting, unsigned extension)
{
  g_autofree char *number = g_strdup_printf (" %u ", extension);

  return strstr (meeting->server.extensions->str, number) != NULL;
}

static void
test_hello (void)
{
  static const struct
  {
    const char *host, *name;
  } hosts[] = {
    { "mail.example", "mail.example" },
    { "mail.example.", "mail.example" },
    { "127.0.0.1", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      Meeting meeting = { .thread = NULL };
      const Wanted both = { .dns = "mail.example", .ip = "\177\0\0\1" };

      meet (&meeting, hosts[i].host);
      use_identity (&meeting, &both, &root);
      start_well (&meeting);
      assert_line (&meeting, "220 hello");
      hang_up (&meeting);
      g_assert_cmpstr (meeting.server.name, ==, hosts[i].name);
      g_assert_false (asked_for (&meeting, 16)); /* ALPN */
      g_assert_false (asked_for (&meeting, 35)); /* session_ticket */
      g_assert_false (asked_for (&meeting, 41)); /* pre_shared_key */
      g_assert_false (asked_for (&meeting, 42)); /* early_data */
      g_assert_false (asked_for (&meeting, 49)); /* post_handshake_auth */
      g_assert_true (asked_for (&meeting, 43));  /* supported_versions */
      part (&meeting);
    }
}

static void
send_tickets (Server *server, gnutls_session_t session)
{
  for (int i = 0; i < 20; i++)
    OK (gnutls_session_ticket_send (session, 1, 0));
  greet (session);
}

/* What a session left behind, tickets among it, is of no use to the next. */
static void
test_no_resumption (void)
{
  for (int i = 0; i < 2; i++)
    {
      Meeting meeting = { .thread = NULL };

      meet_good (&meeting);
      meeting.server.after = send_tickets;
      start_well (&meeting);
      assert_line (&meeting, "220 hello");
      hang_up (&meeting);
      g_assert_false (asked_for (&meeting, 35)); /* session_ticket */
      g_assert_false (asked_for (&meeting, 41)); /* pre_shared_key */
      part (&meeting);
    }
}

static void
test_client_certificate (void)
{
  const Wanted wanted = { "me", "me.example",
                          .purpose = GNUTLS_KP_TLS_WWW_CLIENT };
  Identity client = make_identity (&wanted, &stranger);
  g_autofree char *certificate = write_certificate ("client.pem", &client);
  g_autofree char *key = write_key ("client.key", &client);

  for (unsigned asked = 0; asked < 2; asked++)
    for (unsigned configured = 0; configured < 2; configured++)
      {
        Meeting meeting = { .thread = NULL };

        meet_good (&meeting);
        meeting.server.ask_certificate = asked;
        if (configured)
          {
            meeting.relay.certificate = g_strdup (certificate);
            meeting.relay.key = g_strdup (key);
          }
        start_well (&meeting);
        assert_line (&meeting, "220 hello");
        hang_up (&meeting);
        g_assert_cmpuint (meeting.server.certificates, ==, asked & configured);
        part (&meeting);
      }
  free_identity (&client);
}

/* Pins */

static char *
pin_of (const Identity *identity)
{
  gnutls_pubkey_t key;
  gnutls_datum_t info;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  unsigned char digest[32];
  gsize size = sizeof (digest);

  OK (gnutls_pubkey_init (&key));
  OK (gnutls_pubkey_import_x509 (key, identity->certificate, 0));
  OK (gnutls_pubkey_export2 (key, GNUTLS_X509_FMT_DER, &info));
  g_checksum_update (sum, info.data, info.size);
  g_checksum_get_digest (sum, digest, &size);
  gnutls_free (info.data);
  gnutls_pubkey_deinit (key);
  return g_base64_encode (digest, size);
}

#define NOT_PINNED                                                            \
  "mail.example:465: its key is none of those that `pin' names" FP            \
  "ask whoever runs the relay whether it has another key now"

enum
{
  OWN_PIN = 1,
  OTHER_PIN = 2,
};

static const struct
{
  const char *name;
  Wanted wanted;
  const Identity *issuer;
  int pins;
  bool alone;          /* trust-file = none */
  const char *refused; /* NULL: accepted */
} pinned[] = {
  { "right", { .dns = "mail.example" }, &root, OWN_PIN, false, NULL },
  { "wrong", { .dns = "mail.example" }, &root, OTHER_PIN, false, NOT_PINNED },
  { "one-of-two",
    { .dns = "mail.example" },
    &root,
    OWN_PIN | OTHER_PIN,
    false,
    NULL },
  { "right-of-unknown-authority",
    { .dns = "mail.example" },
    &stranger,
    OWN_PIN,
    false,
    "mail.example:465: no authority that is trusted here vouches for its "
    "certificate" FP
    "if the relay is your own, name its authority's certificate in "
    "`trust-file'" },
  { "right-of-wrong-host",
    { .dns = "a.example" },
    &root,
    OWN_PIN,
    false,
    OTHERS ("mail.example", "a.example") },
  { "alone-self-signed", { .dns = "a.example" }, NULL, OWN_PIN, true, NULL },
  { "alone-expired",
    { .dns = "mail.example", .from = YEAR_2020, .until = YEAR_2021 },
    &stranger,
    OWN_PIN,
    true,
    NULL },
  { "alone-wrong",
    { .dns = "mail.example" },
    &root,
    OTHER_PIN,
    true,
    NOT_PINNED },
  { "alone-weak",
    { .dns = "mail.example", .rsa_bits = 1024 },
    &root,
    OWN_PIN,
    true,
    "mail.example:465: its certificate has a key or a signature that is too "
    "weak" FP TELL },
  /* The accounts' reader lets none through; it would be everybody's. */
  { "none-alone", { .dns = "mail.example" }, &root, 0, true, NOT_PINNED },
};

static void
test_pin (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GStrvBuilder) pins = g_strv_builder_new ();
  g_autofree char *own = NULL;
  g_autofree char *other = pin_of (&root);

  meet (&meeting, "mail.example");
  use_identity (&meeting, &pinned[i].wanted, pinned[i].issuer);
  own = pin_of (&meeting.identity);
  if (pinned[i].pins & OTHER_PIN)
    g_strv_builder_add (pins, other);
  if (pinned[i].pins & OWN_PIN)
    g_strv_builder_add (pins, own);
  if (pinned[i].pins != 0)
    meeting.relay.pins = g_strv_builder_end (pins);
  if (pinned[i].alone)
    {
      g_free (meeting.relay.trust_file);
      meeting.relay.trust_file = g_strdup (RELAY_TRUST_NONE);
    }
  start (&meeting, &error);
  if (pinned[i].refused != NULL)
    assert_refused (&error, FAILURE_CERTIFICATE, pinned[i].refused);
  else
    {
      g_assert_no_error (error);
      assert_line (&meeting, "220 hello");
    }
  part (&meeting);
}

/* Files */

static void
test_trust_replaced (void)
{
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;

  meet (&meeting, "mail.example");
  use_identity (&meeting, &good, NULL);
  g_free (meeting.relay.trust_file);
  meeting.relay.trust_file = write_certificate ("self.pem", &meeting.identity);
  start_well (&meeting);
  part (&meeting);

  meet_good (&meeting);
  g_free (meeting.relay.trust_file);
  meeting.relay.trust_file = in_directory ("self.pem");
  start (&meeting, &error);
  g_assert_error (error, FAILURE, FAILURE_CERTIFICATE);
  part (&meeting);
}

static void
test_files (void)
{
  g_autofree char *empty = write_file ("empty.pem", "", 0);
  g_autofree char *absent = in_directory ("absent.pem");
  g_autofree char *trust = in_directory ("root.pem");
  g_autofree char *open_key = write_key ("open.key", &root);
  const struct
  {
    const char *trust, *crl, *certificate, *key, *named;
  } cases[] = {
    { empty, NULL, NULL, NULL, empty },
    { absent, NULL, NULL, NULL, absent },
    { trust, empty, NULL, NULL, empty },
    { trust, NULL, absent, absent, absent },
    { trust, NULL, trust, open_key, open_key },
  };

  g_assert_cmpint (g_chmod (open_key, 0644), ==, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Meeting meeting = { .thread = NULL };
      g_autoptr (GError) error = NULL;

      meet_good (&meeting);
      g_free (meeting.relay.trust_file);
      meeting.relay.trust_file = g_strdup (cases[i].trust);
      meeting.relay.crl_file = g_strdup (cases[i].crl);
      meeting.relay.certificate = g_strdup (cases[i].certificate);
      meeting.relay.key = g_strdup (cases[i].key);
      g_assert_false (stream_start_tls (meeting.stream, &meeting.relay,
                                        deadline_in (SOON), &error));
      g_assert_error (error, FAILURE, FAILURE_CONFIG);
      g_assert_nonnull (strstr (error->message, cases[i].named));
      part (&meeting);
    }
}

static void
test_revoked (void)
{
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;
  gnutls_x509_crl_t list;
  gnutls_datum_t pem;

  meet_good (&meeting);
  OK (gnutls_x509_crl_init (&list));
  OK (gnutls_x509_crl_set_version (list, 2));
  OK (gnutls_x509_crl_set_this_update (list, time (NULL) - 60));
  OK (gnutls_x509_crl_set_next_update (list, time (NULL) + 3600));
  OK (gnutls_x509_crl_set_crt (list, meeting.identity.certificate,
                               time (NULL) - 60));
  OK (gnutls_x509_crl_set_number (list, "\1", 1));
  OK (gnutls_x509_crl_sign2 (list, root.certificate, root.key,
                             GNUTLS_DIG_SHA256, 0));
  OK (gnutls_x509_crl_export2 (list, GNUTLS_X509_FMT_PEM, &pem));
  meeting.relay.crl_file = write_file ("crl.pem", pem.data, pem.size);
  gnutls_free (pem.data);
  gnutls_x509_crl_deinit (list);
  start (&meeting, &error);
  assert_refused (
      &error, FAILURE_CERTIFICATE,
      "mail.example:465: its certificate has been revoked" FP TELL);
  part (&meeting);

  meet_good (&meeting);
  meeting.relay.crl_file = in_directory ("crl.pem");
  start_well (&meeting);
  part (&meeting);
}

/* No TLS at all, or not to its end */

static void
await_hello (Server *server)
{
  char octets[4096];

  g_assert_cmpint (recv (server->fd, octets, sizeof (octets), 0), >, 0);
}

static void
say (Server *server, const char *octets, size_t length)
{
  (void) send (server->fd, octets, length, MSG_NOSIGNAL);
}

static void
speak_plainly (Server *server)
{
  static const char greeting[] = "220 mail.example ESMTP\r\n";

  await_hello (server);
  say (server, greeting, strlen (greeting));
  drain (server);
}

static void
speak_http (Server *server)
{
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

  await_hello (server);
  say (server, answer, strlen (answer));
  drain (server);
}

static void
close_early (Server *server)
{
  await_hello (server);
  drain (server);
}

static void
send_alert (Server *server)
{
  await_hello (server);
  say (server, "\25\3\3\0\2\2\120", 7); /* internal_error */
  drain (server);
}

/* A ServerHello of TLS 1.1, whatever was asked for. */
static void
say_old_hello (Server *server)
{
  static const char hello[5 + 4 + 38] = "\26\3\2\0\52"
                                        "\2\0\0\46"
                                        "\3\2"
                                        "01234567890123456789012345678901"
                                        "\0"
                                        "\300\23";

  await_hello (server);
  say (server, hello, sizeof (hello));
  drain (server);
}

static void
send_warnings (Server *server)
{
  await_hello (server);
  for (int i = 0; i < 1000; i++)
    say (server, "\25\3\3\0\2\1\132", 7); /* user_canceled */
  drain (server);
}

static void
send_half (Server *server)
{
  await_hello (server);
  say (server, "\26\3\3\100\0\2\0", 7);
  drain (server);
}

static const struct
{
  const char *name;
  void (*raw) (Server *server);
  TlsMode mode;
  Failure kind;
  const char *text;
} garbage[] = {
  { "plaintext", speak_plainly, TLS_IMPLICIT, FAILURE_PROTOCOL,
    "mail.example:465: this port does not speak TLS from the start; perhaps "
    "it wants `tls = starttls'" },
  { "http", speak_http, TLS_IMPLICIT, FAILURE_PROTOCOL,
    "mail.example:465: a web server answers there, and no relay; where a "
    "network wants a login first, open a web page and log in, else check "
    "`host' and `port'" },
  { "starttls-plaintext", speak_plainly, TLS_STARTTLS, FAILURE_PROTOCOL,
    "mail.example:465: the relay offered TLS and does not speak it" },
  { "close", close_early, TLS_IMPLICIT, FAILURE_TEMPORARY,
    "mail.example:465: the relay closed the connection" },
  { "half", send_half, TLS_IMPLICIT, FAILURE_TEMPORARY,
    "mail.example:465: the relay closed the connection" },
  { "old", say_old_hello, TLS_IMPLICIT, FAILURE_CERTIFICATE,
    "mail.example:465: the relay offers no TLS that is safe (TLS 1.2 or later "
    "with ECDHE and AEAD)" },
  { "alert", send_alert, TLS_IMPLICIT, FAILURE_TEMPORARY,
    "mail.example:465: the relay ended TLS (alert 80, Internal error)" },
  { "warnings", send_warnings, TLS_IMPLICIT, FAILURE_PROTOCOL,
    "mail.example:465: the relay sends TLS messages without end" },
};

static void
test_garbage (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;

  meet (&meeting, "mail.example");
  meeting.relay.tls = garbage[i].mode;
  meeting.server.raw = garbage[i].raw;
  g_assert_false (start (&meeting, &error));
  assert_refused (&error, garbage[i].kind, garbage[i].text);
  part (&meeting);
}

/* Nothing of ours is sent where the peer spoke before TLS. */
static void
test_injection (void)
{
  static const char *const before[] = { "250-x\r\n250 AUTH PLAIN\r\n",
                                        "250-AUTH LOGI" };

  for (size_t i = 0; i < G_N_ELEMENTS (before); i++)
    {
      Meeting meeting = { .thread = NULL };
      g_autoptr (GError) error = NULL;
      char octet;

      meet (&meeting, "mail.example");
      meeting.relay.tls = TLS_STARTTLS;
      say (&meeting.server, "220 go\r\n", 8);
      say (&meeting.server, before[i], strlen (before[i]));
      assert_line (&meeting, "220 go");
      g_assert_false (stream_start_tls (meeting.stream, &meeting.relay,
                                        deadline_in (SOON), &error));
      assert_refused (&error, FAILURE_PROTOCOL,
                      "mail.example:465: the relay, or somebody in between, "
                      "sent text that TLS should have protected");
      g_assert_cmpint (recv (meeting.server.fd, &octet, 1, MSG_DONTWAIT), ==,
                       -1);
      part (&meeting);
    }
}

static void
test_stall (void)
{
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;
  int64_t begin = g_get_monotonic_time ();

  meet (&meeting, "mail.example");
  g_assert_false (stream_start_tls (meeting.stream, &meeting.relay,
                                    deadline_in (50), &error));
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, 49000);
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  g_assert_true (g_regex_match_simple (
      "^mail.example:465: no answer within [0-9]+ ms$", error->message, 0, 0));
  part (&meeting);
}

/* After the handshake */

static void
ask_rehandshake (Server *server, gnutls_session_t session)
{
  (void) gnutls_rehandshake (session);
}

static void
send_key_updates (Server *server, gnutls_session_t session)
{
  for (int i = 0; i < 1000; i++)
    if (gnutls_session_key_update (session, 0) < 0)
      return;
}

static void
flood_tickets (Server *server, gnutls_session_t session)
{
  for (int i = 0; i < 1000; i++)
    if (gnutls_session_ticket_send (session, 1, 0) < 0)
      return;
}

static void
cut_off (Server *server, gnutls_session_t session)
{
  (void) gnutls_record_send (session, "220 hel", 7);
}

static void
say_goodbye (Server *server, gnutls_session_t session)
{
  (void) gnutls_bye (session, GNUTLS_SHUT_WR);
}

static void
send_fatal_alert (Server *server, gnutls_session_t session)
{
  (void) gnutls_alert_send (session, GNUTLS_AL_FATAL,
                            GNUTLS_A_CERTIFICATE_REQUIRED);
}

static const struct
{
  const char *name;
  void (*after) (Server *server, gnutls_session_t session);
  const char *priority;
  Failure kind;
  const char *text;
} afterwards[] = {
  { "rehandshake", ask_rehandshake, "NORMAL:-VERS-ALL:+VERS-TLS1.2",
    FAILURE_PROTOCOL, "the relay asked for a TLS renegotiation" },
  { "key-updates", send_key_updates, NULL, FAILURE_PROTOCOL,
    "the relay sends TLS messages without end" },
  { "tickets", flood_tickets, NULL, FAILURE_PROTOCOL,
    "the relay sends TLS messages without end" },
  { "cut-off", cut_off, NULL, FAILURE_TEMPORARY,
    "the relay closed the connection" },
  { "goodbye", say_goodbye, NULL, FAILURE_TEMPORARY,
    "the relay closed the connection" },
  { "alert", send_fatal_alert, NULL, FAILURE_TEMPORARY,
    "the relay ended TLS (alert 116, Certificate is required)" },
};

static void
test_afterwards (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  Meeting meeting = { .thread = NULL };

  meet_good (&meeting);
  meeting.server.after = afterwards[i].after;
  meeting.server.priority = afterwards[i].priority;
  start_well (&meeting);
  assert_no_line (&meeting, afterwards[i].kind, afterwards[i].text);
  part (&meeting);
}

static void
test_tickets (void)
{
  Meeting meeting = { .thread = NULL };

  meet_good (&meeting);
  meeting.server.after = send_tickets;
  start_well (&meeting);
  assert_line (&meeting, "220 hello");
  g_assert_false (stream_has_input (meeting.stream));
  part (&meeting);
}

/* What has been said before the end is heard although writing fails. */
static void
leave (Server *server, gnutls_session_t session)
{
  (void) gnutls_record_send (session, "421 going down\r\n", 16);
  (void) shutdown (server->fd, SHUT_RDWR);
}

static void
test_last_words (void)
{
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;

  meet_good (&meeting);
  meeting.server.after = leave;
  start_well (&meeting);
  g_clear_pointer (&meeting.thread, g_thread_join);
  stream_write (meeting.stream, "NOOP\r\n", 6);
  g_assert_false (stream_flush (meeting.stream, deadline_in (SOON), &error));
  g_assert_cmpstr (error->message, ==, "the relay closed the connection");
  assert_line (&meeting, "421 going down");
  assert_no_line (&meeting, FAILURE_TEMPORARY,
                  "the relay closed the connection");
  part (&meeting);
}

static void
read_records (Server *server, gnutls_session_t session)
{
  static char octets[32768];
  GString *sizes = g_string_new (NULL);
  size_t total = 0;

  while (total < 40003)
    {
      ssize_t got = gnutls_record_recv (session, octets, sizeof (octets));

      g_assert_cmpint (got, >, 0);
      g_string_append_printf (sizes, "%d ", (int) got);
      total += (size_t) got;
    }
  g_string_append (sizes, "\r\n");
  (void) gnutls_record_send (session, sizes->str, sizes->len);
  g_string_free (sizes, TRUE);
}

static void
test_full_records (void)
{
  Meeting meeting = { .thread = NULL };
  g_autofree char *text = g_strnfill (40000, 'a');
  g_autoptr (GError) error = NULL;

  meet_good (&meeting);
  meeting.server.after = read_records;
  start_well (&meeting);
  for (size_t i = 0; i < 4; i++)
    g_assert_true (stream_write_through (meeting.stream, text, 10000,
                                         deadline_in (SOON), &error));
  stream_write (meeting.stream, ".\r\n", 3);
  g_assert_true (stream_flush (meeting.stream, deadline_in (SOON), &error));
  assert_line (&meeting, "16384 16384 7235 ");
  part (&meeting);
}

#define COMMANDS 20000

/* Answers each command before it reads the next. */
static void
reply_to_each (Server *server, gnutls_session_t session)
{
  static const char reply[] = "250 2.1.5 what a fine recipient\r\n";
  static char octets[4096];
  int lines = 0;

  while (lines < COMMANDS)
    {
      ssize_t got = gnutls_record_recv (session, octets, sizeof (octets));

      g_assert_cmpint (got, >, 0);
      for (ssize_t i = 0; i < got; i++)
        if (octets[i] == '\n')
          {
            lines++;
            g_assert_cmpint (
                gnutls_record_send (session, reply, strlen (reply)), ==,
                strlen (reply));
          }
    }
}

/* Neither side waits for the other, in TLS either. */
static void
test_long_flight (void)
{
  static const char rcpt[] = "RCPT TO:<somebody@example.org>\r\n";
  Meeting meeting = { .thread = NULL };
  g_autoptr (GError) error = NULL;

  meet_good (&meeting);
  meeting.server.after = reply_to_each;
  start_well (&meeting);
  for (int i = 0; i < COMMANDS; i++)
    stream_write (meeting.stream, rcpt, strlen (rcpt));
  stream_flush (meeting.stream, deadline_in (SOON), &error);
  g_assert_no_error (error);
  for (int i = 0; i < COMMANDS; i++)
    assert_line (&meeting, "250 2.1.5 what a fine recipient");
  part (&meeting);
}

#define MUCH (4 << 20)

static char
octet_at (size_t i)
{
  return (char) (i % 251);
}

/* It asks for new keys as well: the answer finds its place within the octets. */
static void
check_octets (Server *server, gnutls_session_t session)
{
  static char octets[5000];
  size_t total = 0;

  g_assert_cmpint (gnutls_session_key_update (session, GNUTLS_KU_PEER), ==, 0);
  while (total < MUCH)
    {
      ssize_t got = gnutls_record_recv (session, octets, sizeof (octets));

      /* After a message that is no data. */
      if (got == GNUTLS_E_AGAIN)
        continue;
      g_assert_cmpint (got, >, 0);
      for (ssize_t i = 0; i < got; i++)
        g_assert_true (octets[i] == octet_at (total++));
    }
  (void) gnutls_record_send (session, "250 all\r\n", 9);
}

/* More than the socket takes at once. */
static void
test_much (void)
{
  Meeting meeting = { .thread = NULL };
  g_autofree char *octets = g_malloc (MUCH);
  g_autoptr (GError) error = NULL;

  for (size_t i = 0; i < MUCH; i++)
    octets[i] = octet_at (i);
  meet_good (&meeting);
  meeting.server.after = check_octets;
  start_well (&meeting);
  stream_write (meeting.stream, octets, MUCH);
  stream_flush (meeting.stream, deadline_in (SOON), &error);
  g_assert_no_error (error);
  assert_line (&meeting, "250 all");
  part (&meeting);
}

static void
make_authorities (void)
{
  g_autofree char *path = NULL;

  root = make_identity (&(Wanted){ .common_name = "Root", .authority = true },
                        NULL);
  stranger = make_identity (
      &(Wanted){ .common_name = "Stranger", .authority = true }, NULL);
  intermediate = make_identity (
      &(Wanted){ .common_name = "Intermediate", .authority = true }, &root);
  constrained = make_identity (&(Wanted){ .common_name = "Constrained",
                                          .authority = true,
                                          .permitted = "other.example" },
                               &root);
  path = write_certificate ("root.pem", &root);
}

static void
clean_up (void)
{
  g_autoptr (GDir) files = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = in_directory (name);

      g_unlink (path);
    }
  g_rmdir (directory);
  g_free (directory);
  free_identity (&root);
  free_identity (&stranger);
  free_identity (&intermediate);
  free_identity (&constrained);
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
  directory = g_dir_make_tmp ("tls-XXXXXX", NULL);
  make_authorities ();
  ADD_TABLE ("/smtp/tls/certificate/", certificates, test_certificate);
  ADD_TABLE ("/smtp/tls/kind/", kinds, test_kind);
  ADD_TABLE ("/smtp/tls/pin/", pinned, test_pin);
  ADD_TABLE ("/smtp/tls/garbage/", garbage, test_garbage);
  ADD_TABLE ("/smtp/tls/afterwards/", afterwards, test_afterwards);
  g_test_add_func ("/smtp/tls/hello", test_hello);
  g_test_add_func ("/smtp/tls/no-resumption", test_no_resumption);
  g_test_add_func ("/smtp/tls/client-certificate", test_client_certificate);
  g_test_add_func ("/smtp/tls/trust-replaced", test_trust_replaced);
  g_test_add_func ("/smtp/tls/files", test_files);
  g_test_add_func ("/smtp/tls/revoked", test_revoked);
  g_test_add_func ("/smtp/tls/injection", test_injection);
  g_test_add_func ("/smtp/tls/stall", test_stall);
  g_test_add_func ("/smtp/tls/tickets", test_tickets);
  g_test_add_func ("/smtp/tls/last-words", test_last_words);
  g_test_add_func ("/smtp/tls/full-records", test_full_records);
  g_test_add_func ("/smtp/tls/long-flight", test_long_flight);
  g_test_add_func ("/smtp/tls/much", test_much);
  result = g_test_run ();
  clean_up ();
  return result;
}
