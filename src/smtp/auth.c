#include "smtp/auth.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"

#define LINE_MAXIMUM 512 /* with CRLF, RFC 4954 section 4 */
#define CODE_DONE 235
#define CODE_CHALLENGE 334

typedef struct
{
  Stream *stream;
  const Relay *relay;
  Sasl *sasl;
} Auth;

void
auth_login (const Relay *relay, const Secret *secret, const Stream *stream,
            SaslLogin *login)
{
  login->user = relay->user;
  login->password = secret;
  login->binding = stream == NULL ? NULL : stream_channel_binding (stream);
  login->certificate = relay->certificate != NULL;
  login->host = relay->host;
  login->port = relay->port;
  login->token = relay->token;
  login->remembered = relay->remembered;
}

/* BEFORE, ANSWER in base64 and CRLF on the wire; SHOWN in the trace. */
static void
write_answer (Auth *auth, const char *before, const Secret *answer,
              const char *shown)
{
  size_t length = strlen (before) + secret_length (answer) + 2;
  g_autoptr (Secret) line = secret_new_empty (length);
  char *out = secret_buffer (line);

  memcpy (out, before, strlen (before));
  memcpy (out + strlen (before), secret_octets (answer),
          secret_length (answer));
  memcpy (out + length - 2, "\r\n", 2);
  stream_write_secret (auth->stream, out, length, shown);
}

/* Whatever the relay says from now on: its words go into logs. */
static void
hide_password (Stream *stream, const Secret *password)
{
  g_autoptr (Secret) encoded = NULL;

  if (password == NULL)
    return;
  encoded = sasl_encode (password);
  stream_hide (stream, password);
  stream_hide (stream, encoded);
}

static Reply *
ask (Auth *auth, GError **error)
{
  Deadline deadline = deadline_in (auth->relay->timeouts.command);

  if (!stream_flush (auth->stream, deadline, error))
    return NULL;
  return reply_read (auth->stream, deadline, error);
}

/* "AUTH name", with the first answer where the line may hold it (else the
   relay asks for it, and *PENDING is kept). */
static void
write_command (Auth *auth, const char *name, bool initial, Secret **pending)
{
  g_autofree char *command = g_strdup_printf ("AUTH %s ", name);
  g_autofree char *shown = g_strdup_printf ("AUTH %s ***", name);
  g_autofree char *bare = g_strdup_printf ("AUTH %s\r\n", name);

  if (*pending == NULL || !initial
      || strlen (command) + secret_length (*pending) + 2 > LINE_MAXIMUM)
    {
      stream_write (auth->stream, bare, strlen (bare));
      return;
    }
  /* An empty first answer would look like none. */
  if (secret_length (*pending) == 0)
    {
      secret_free (*pending);
      *pending = secret_new ("=", 1);
    }
  write_answer (auth, command, *pending, shown);
  g_clear_pointer (pending, secret_free);
}

/* The answer to a challenge in base64: PENDING if there is one. */
static Secret *
answer_challenge (Auth *auth, const Reply *reply, Secret **pending,
                  GError **error)
{
  size_t length;
  g_autofree char *challenge =
      sasl_decode (g_ptr_array_index (reply->lines, 0), &length);
  g_autoptr (Secret) answer = NULL;

  if (challenge == NULL || reply->lines->len != 1)
    {
      g_set_error_literal (
          error, FAILURE, FAILURE_PROTOCOL,
          _ ("the relay's challenge is not in base64, so the login was "
             "cancelled"));
      return NULL;
    }
  if (*pending != NULL)
    return g_steal_pointer (pending);
  answer = sasl_step (auth->sasl, challenge, length, error);
  return answer == NULL ? NULL : sasl_encode (answer);
}

/* RFC 4954 section 4: a login is cancelled by "*", never by closing. What the
   relay says to that changes nothing. */
static void
cancel (Auth *auth)
{
  g_autoptr (Reply) ignored = NULL;

  stream_write (auth->stream, "*\r\n", 3);
  ignored = ask (auth, NULL);
}

static Reply *
check_verdict (const Auth *auth, Reply *reply, GError **error)
{
  if (reply->code >= 400
      || (reply->code == CODE_DONE && sasl_finished (auth->sasl)))
    return reply;
  if (reply->code == CODE_DONE)
    g_set_error_literal (
        error, FAILURE, FAILURE_PROTOCOL,
        _ ("the relay took the login before it was complete; "
           "it may not be the relay that knows the password"));
  else
    g_set_error (error, FAILURE, FAILURE_PROTOCOL,
                 _ ("the relay answered AUTH with %d"), reply->code);
  reply_free (reply);
  return NULL;
}

static Reply *
converse (Auth *auth, const char *name, bool initial, GError **error)
{
  g_autoptr (Secret) pending = NULL;
  Reply *reply;

  if (sasl_speaks_first (auth->sasl))
    {
      g_autoptr (Secret) first = sasl_step (auth->sasl, "", 0, error);

      if (first == NULL)
        return NULL;
      pending = sasl_encode (first);
      stream_hide (auth->stream, pending);
    }
  write_command (auth, name, initial, &pending);
  reply = ask (auth, error);
  /* This ends: a mechanism has a bounded number of answers. */
  while (reply != NULL && reply->code == CODE_CHALLENGE)
    {
      g_autoptr (Secret) answer =
          answer_challenge (auth, reply, &pending, error);

      g_clear_pointer (&reply, reply_free);
      if (answer == NULL)
        {
          cancel (auth);
          return NULL;
        }
      stream_hide (auth->stream, answer);
      write_answer (auth, "", answer, "***");
      reply = ask (auth, error);
    }
  if (reply == NULL)
    return NULL;
  return check_verdict (auth, reply, error);
}

/* One mechanism, from AUTH to the verdict. */
static Reply *
try_mechanism (Stream *stream, const Relay *relay, const SaslLogin *login,
               const SaslMechanism *mechanism, const char *const *offered,
               bool initial, GError **error)
{
  g_autoptr (Sasl) sasl = sasl_new (mechanism, offered, login, error);
  Auth auth = { stream, relay, sasl };
  Reply *reply;

  if (sasl == NULL)
    return NULL;
  if (stream_has_input (stream))
    {
      g_set_error_literal (error, FAILURE, FAILURE_PROTOCOL,
                           _ ("the relay spoke without being asked"));
      return NULL;
    }
  stream_mask_input (stream, true);
  reply = converse (&auth, sasl_name (mechanism), initial, error);
  /* For whoever reads the reply. */
  if (reply != NULL && *sasl_reason (sasl) != '\0')
    g_ptr_array_add (reply->lines, g_strdup (sasl_reason (sasl)));
  stream_mask_input (stream, false);
  return reply;
}

/* RFC 4954 section 4: the first answer was too long for this relay's lines. */
static bool
is_too_long (const Reply *reply)
{
  EnhancedCode enhanced = reply_enhanced (reply);

  return reply->code == 500 && enhanced.class == 5 && enhanced.subject == 5
         && enhanced.detail == 6;
}

static Reply *
try_all (Stream *stream, const Relay *relay, const SaslLogin *login,
         const char *const *offered, const char **name, GError **error)
{
  const SaslMechanism *mechanism =
      sasl_choose (offered, relay->auth, login, NULL);
  Reply *reply = NULL;

  if (mechanism == NULL)
    sasl_explain (offered, relay->auth, login, error);
  while (mechanism != NULL)
    {
      g_clear_pointer (&reply, reply_free);
      *name = sasl_name (mechanism);
      reply = try_mechanism (stream, relay, login, mechanism, offered, true,
                             error);
      if (reply != NULL && is_too_long (reply))
        {
          reply_free (reply);
          reply = try_mechanism (stream, relay, login, mechanism, offered,
                                 false, error);
        }
      if (reply == NULL || (reply->code != 504 && reply->code != 534))
        break;
      mechanism = sasl_choose (offered, relay->auth, login, mechanism);
    }
  return reply;
}

Reply *
auth_run (Stream *stream, const Relay *relay, const Extensions *extensions,
          const Secret *secret, const char **mechanism, GError **error)
{
  static const char *const none[] = { NULL };
  const char *const *offered =
      extensions->auth == NULL ? none : (const char *const *) extensions->auth;
  g_autofree char *host = relay_dns_name (relay, error);
  SaslLogin login;
  Reply *reply;

  if (host == NULL)
    return NULL;
  auth_login (relay, secret, stream, &login);
  login.host = host;
  hide_password (stream, secret);
  reply = sasl_check (relay->auth, &login, error)
              ? try_all (stream, relay, &login, offered, mechanism, error)
              : NULL;
  g_clear_pointer (&login.binding, g_bytes_unref);
  return reply;
}
