#include "relay/login.h"

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <glib.h>

typedef struct
{
  Channel *channel;
  Record *record;
  const LoginUser *user;
  char *mechanism;
  char *binding;  /* base64; only for a -PLUS mechanism */
  bool cancelled; /* by "*" (RFC 4954 section 4) */
} Login;

static bool
equal (Gsasl_session *session, Gsasl_property property, const char *wanted)
{
  const char *given = gsasl_property_fast (session, property);

  return given != NULL && strcmp (given, wanted) == 0;
}

static int
validate (Gsasl_session *session, const Login *login)
{
  const char *authzid = gsasl_property_fast (session, GSASL_AUTHZID);

  if (authzid != NULL && *authzid != '\0'
      && strcmp (authzid, login->user->user) != 0)
    return GSASL_AUTHENTICATION_ERROR;
  return equal (session, GSASL_AUTHID, login->user->user)
                 && equal (session, GSASL_PASSWORD, login->user->password)
             ? GSASL_OK
             : GSASL_AUTHENTICATION_ERROR;
}

static bool
client_is_certified (const Login *login)
{
  unsigned faults = 0;
  gnutls_session_t session = channel_session (login->channel);

  return session != NULL
         && gnutls_certificate_verify_peers2 (session, &faults) == 0
         && faults == 0;
}

/* Who has the ticket of this principal is that user. */
static int
validate_principal (Gsasl_session *session)
{
  const char *principal
      = gsasl_property_fast (session, GSASL_GSSAPI_DISPLAY_NAME);
  const char *authzid = gsasl_property_fast (session, GSASL_AUTHZID);

  return principal != NULL && g_str_has_prefix (principal, "me@")
                 && (authzid == NULL || *authzid == '\0')
             ? GSASL_OK
             : GSASL_AUTHENTICATION_ERROR;
}

static int
callback (Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
  const Login *login = gsasl_session_hook_get (session);

  switch (property)
    {
    case GSASL_VALIDATE_SIMPLE:
      return validate (session, login);
    case GSASL_VALIDATE_EXTERNAL:
      return client_is_certified (login) ? GSASL_OK
                                         : GSASL_AUTHENTICATION_ERROR;
    case GSASL_VALIDATE_GSSAPI:
      return validate_principal (session);
    case GSASL_SERVICE:
      return gsasl_property_set (session, property, "smtp");
    case GSASL_HOSTNAME:
      return gsasl_property_set (session, property, "localhost");
    case GSASL_QOPS:
      return gsasl_property_set (session, property, "qop-auth");
    case GSASL_PASSWORD:
      if (!equal (session, GSASL_AUTHID, login->user->user))
        return GSASL_NO_PASSWORD;
      return gsasl_property_set (session, property, login->user->password);
    case GSASL_SCRAM_ITER:
      return gsasl_property_set (session, property, login->user->iterations);
    case GSASL_CB_TLS_EXPORTER:
      if (login->binding == NULL)
        return GSASL_NO_CB_TLS_EXPORTER;
      return gsasl_property_set (session, property, login->binding);
    default:
      return GSASL_NO_CALLBACK;
    }
}

/* The client's answer to CHALLENGE; NULL where it cancelled or went. */
static char *
ask (Login *login, const char *challenge)
{
  const char *line;

  channel_send_line (login->channel, "334 %s", challenge);
  line = channel_read_line (login->channel);
  login->cancelled = line != NULL && strcmp (line, "*") == 0;
  return login->cancelled ? NULL : g_strdup (line);
}

static void
note_scram (const Login *login, const char *encoded)
{
  size_t length;
  g_autofree unsigned char *octets = NULL;
  g_autofree char *text = NULL;

  if (!g_str_has_prefix (login->mechanism, "SCRAM-"))
    return;
  octets = g_base64_decode (encoded, &length);
  text = g_strndup ((const char *) octets, length);
  record_note (login->record, "client-first %s", text);
}

/* Whether the server does. */
static bool
speaks_first (const char *mechanism)
{
  static const char *const those[] = { "LOGIN", "CRAM-MD5", "DIGEST-MD5", NULL };

  return g_strv_contains (those, mechanism);
}

/* True: proved. Else REASON says why not. */
static bool
exchange (Login *login, Gsasl_session *session, const char *initial,
          const char **reason)
{
  /* RFC 4954 section 4: "=" is an initial response of no octets. */
  g_autofree char *response =
      initial == NULL ? NULL
                      : g_strdup (g_str_equal (initial, "=") ? "" : initial);
  int code;

  if (response == NULL && !speaks_first (login->mechanism))
    response = ask (login, "");
  if (response != NULL)
    note_scram (login, response);
  do
    {
      char *output = NULL;
      bool more;

      code = gsasl_step64 (session, response == NULL ? "" : response, &output);
      g_free (response);
      response = NULL;
      more = code == GSASL_NEEDS_MORE
             || (code == GSASL_OK && output != NULL && *output != '\0');
      if (more)
        response = ask (login, output == NULL ? "" : output);
      free (output);
      *reason = gsasl_strerror (code);
      if (more && response == NULL)
        {
          *reason = login->cancelled ? "cancelled" : "the client is gone";
          return false;
        }
    }
  while (code == GSASL_NEEDS_MORE);
  return code == GSASL_OK;
}

static bool
run (Login *login, const char *initial)
{
  Gsasl *library = NULL;
  Gsasl_session *session = NULL;
  const char *reason = "unknown mechanism";
  bool proved = false;

  gsasl_init (&library);
  gsasl_callback_set (library, callback);
  if (gsasl_server_start (library, login->mechanism, &session) == GSASL_OK)
    {
      gsasl_session_hook_set (session, login);
      proved = exchange (login, session, initial, &reason);
      gsasl_finish (session);
    }
  gsasl_done (library);
  if (proved)
    record_note (login->record, "auth %s accepted", login->mechanism);
  else
    record_note (login->record, "auth %s refused: %s", login->mechanism,
                 reason);
  return proved;
}

bool
login_run (Channel *channel, Record *record, const LoginUser *user,
           const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 3);
  Login login = { channel, record, user, NULL, NULL, false };
  bool proved;

  if (words[0] == NULL || words[1] == NULL)
    {
      channel_send_line (channel, "501 5.5.4 mechanism missing");
      return false;
    }
  login.mechanism = g_ascii_strup (words[1], -1);
  if (g_str_has_suffix (login.mechanism, "-PLUS"))
    login.binding = channel_binding (channel);
  proved = run (&login, words[2]);
  if (login.cancelled)
    channel_send_line (channel, "501 5.7.0 cancelled");
  else
    channel_send_line (channel,
                       proved ? "235 2.7.0 accepted" : "535 5.7.8 refused");
  g_free (login.mechanism);
  g_free (login.binding);
  return proved;
}
