#include "relay/dialogue.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAXIMUM 8 /* of files, and of variables */
#define HELLO_MS 10000

typedef struct Run Run;

typedef struct
{
  const char *name;
  bool (*run) (Run *run, const char *text);
} Verb;

typedef struct
{
  const Verb *verb;
  char *text; /* as written */
  char *file;
  unsigned line;
  unsigned other; /* of repeat: its end; of end: its repeat */
} Step;

struct Dialogue
{
  GPtrArray *steps; /* of Step */
};

struct Run
{
  const Dialogue *dialogue;
  Serve *serve;
  GHashTable *variables;
  unsigned at;
  unsigned *turns; /* of each step: how often repeat has still to run */
  char *reason;    /* of a failure */
};

static bool fail (Run *run, const char *format, ...) G_GNUC_PRINTF (2, 3);

static bool
fail (Run *run, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  run->reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return false;
}

/* Texts. */

static void
append_escape (GString *octets, const char **at)
{
  static const char letters[] = "rnte0\\", values[] = "\r\n\t\033\0\\";
  const char *letter = **at == '\0' ? NULL : strchr (letters, **at);

  if (letter != NULL)
    {
      g_string_append_c (octets, values[letter - letters]);
      ++*at;
    }
  else if (**at == 'x' && g_ascii_isxdigit ((*at)[1])
           && g_ascii_isxdigit ((*at)[2]))
    {
      g_string_append_c (octets, (char) (g_ascii_xdigit_value ((*at)[1]) * 16
                                         + g_ascii_xdigit_value ((*at)[2])));
      *at += 3;
    }
  else
    g_string_append_c (octets, '\\');
}

/* One octet of text, or the one that an escape stands for. */
static void
append_octet (GString *octets, const char **at)
{
  if (*(*at)++ == '\\')
    append_escape (octets, at);
  else
    g_string_append_c (octets, (*at)[-1]);
}

static bool append_text (Run *run, GString *octets, const char *text,
                         unsigned depth);

static bool
append_variable (Run *run, GString *octets, const char **at, unsigned depth)
{
  const char *end = strchr (*at, '}');
  g_autofree char *name =
      end == NULL ? NULL : g_strndup (*at, (size_t) (end - *at));
  const char *value =
      name == NULL ? NULL : g_hash_table_lookup (run->variables, name);

  if (value == NULL || depth > DEPTH_MAXIMUM)
    return fail (run, "no variable %s", name == NULL ? *at : name);
  *at = end + 1;
  return append_text (run, octets, value, depth + 1);
}

/* A value's escapes and variables count as well. */
static bool
append_text (Run *run, GString *octets, const char *text, unsigned depth)
{
  while (*text != '\0')
    if (g_str_has_prefix (text, "%{"))
      {
        text += 2;
        if (!append_variable (run, octets, &text, depth))
          return false;
      }
    else
      append_octet (octets, &text);
  return true;
}

/* TEXT with its escapes and variables; NULL where a variable is unknown. */
static GString *
expand (Run *run, const char *text)
{
  g_autoptr (GString) octets = g_string_new (NULL);

  return append_text (run, octets, text, 0) ? g_steal_pointer (&octets) : NULL;
}

/* VALUE came from the client: it has neither escapes nor variables. */
static void
set_received (Run *run, const char *name, const char *value)
{
  g_autoptr (GString) escaped = g_string_new (value);

  g_string_replace (escaped, "\\", "\\\\", 0);
  g_string_replace (escaped, "%", "\\x25", 0);
  g_hash_table_replace (run->variables, g_strdup (name),
                        g_strdup (escaped->str));
}

/* A number before TEXT, which moves behind it. */
static unsigned
take_number (const char **text)
{
  char *end;
  unsigned long number = strtoul (*text, &end, 10);

  *text = *end == ' ' ? end + 1 : end;
  return (unsigned) number;
}

static unsigned
expand_number (Run *run, const char *text)
{
  g_autoptr (GString) octets = expand (run, text);
  const char *at = octets == NULL ? "0" : octets->str;

  return take_number (&at);
}

/* Polite parts. */

static bool
run_offer (Run *run, const char *text)
{
  g_autoptr (GString) line = expand (run, text);

  if (line == NULL)
    return false;
  serve_offer (run->serve, line->str);
  return true;
}

static bool
run_begin (Run *run, const char *text)
{
  return serve_begin (run->serve) || fail (run, "no TLS");
}

static bool
run_clear (Run *run, const char *text)
{
  return serve_clear_part (run->serve)
         || fail (run, "the client ended before TLS");
}

static bool
run_secure (Run *run, const char *text)
{
  return serve_secure (run->serve)
         || fail (run, "the client ended before TLS was up");
}

static bool
run_until (Run *run, const char *text)
{
  g_autoptr (GString) glob = expand (run, text);

  if (glob == NULL)
    return false;
  return serve_until (run->serve, glob->str)
         || fail (run, "the client ended before %s", glob->str);
}

static bool
run_serve (Run *run, const char *text)
{
  serve_run (run->serve);
  return true;
}

static bool
run_message (Run *run, const char *text)
{
  return serve_read_message (run->serve)
         || fail (run, "the client ended in its message");
}

/* Saying. */

static bool
send_octets (Run *run, const char *text, const char *suffix)
{
  g_autoptr (GString) octets = expand (run, text);

  if (octets == NULL)
    return false;
  g_string_append (octets, suffix);
  run->serve->greeted = true;
  channel_send (run->serve->channel, octets->str, octets->len);
  return true;
}

static bool
run_send (Run *run, const char *text)
{
  return send_octets (run, text, "\r\n");
}

static bool
run_send_octets (Run *run, const char *text)
{
  return send_octets (run, text, "");
}

static bool
run_flood (Run *run, const char *text)
{
  unsigned count = take_number (&text);
  g_autoptr (GString) once = expand (run, text);
  g_autoptr (GString) all = g_string_new (NULL);

  if (once == NULL)
    return false;
  while (count-- > 0)
    g_string_append_len (all, once->str, (gssize) once->len);
  run->serve->greeted = true;
  channel_send (run->serve->channel, all->str, all->len);
  return true;
}

static bool
run_drip (Run *run, const char *text)
{
  unsigned milliseconds = take_number (&text);
  g_autoptr (GString) octets = expand (run, text);

  if (octets == NULL)
    return false;
  run->serve->greeted = true;
  for (size_t i = 0; i < octets->len
                     && channel_send (run->serve->channel, octets->str + i, 1);
       i++)
    g_usleep (milliseconds * 1000UL);
  return true;
}

/* Expecting. */

static bool
expect (Run *run, const char *text,
        gboolean (*match) (const char *wanted, const char *line))
{
  g_autoptr (GString) wanted = expand (run, text);
  const char *line;

  if (wanted == NULL)
    return false;
  line = channel_peek_line (run->serve->channel);
  if (line == NULL)
    return fail (run, "the client ended before %s", wanted->str);
  set_received (run, "line", line);
  return match (wanted->str, line)
         || fail (run, "not %s but %s", wanted->str, line);
}

static gboolean
is_same (const char *wanted, const char *line)
{
  return strcmp (wanted, line) == 0;
}

static bool
run_expect (Run *run, const char *text)
{
  bool matched = expect (run, text, g_pattern_match_simple);

  channel_read_line (run->serve->channel);
  return matched;
}

static bool
run_expect_exactly (Run *run, const char *text)
{
  bool matched = expect (run, text, is_same);

  channel_read_line (run->serve->channel);
  return matched;
}

static bool
run_pass (Run *run, const char *text)
{
  if (!expect (run, text, g_pattern_match_simple))
    return false;
  serve_command (run->serve);
  return true;
}

static bool
run_answer (Run *run, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, " => ", 2);
  g_autoptr (GString) glob = NULL;
  g_autoptr (GString) reply = NULL;
  const char *line;

  if (parts[0] == NULL || parts[1] == NULL)
    return fail (run, "answer GLOB => TEXT");
  glob = expand (run, parts[0]);
  reply = expand (run, parts[1]);
  if (glob == NULL || reply == NULL)
    return false;
  g_string_append (reply, "\r\n");
  while ((line = channel_peek_line (run->serve->channel)) != NULL
         && g_pattern_match_simple (glob->str, line))
    {
      channel_read_line (run->serve->channel);
      channel_send (run->serve->channel, reply->str, reply->len);
    }
  return true;
}

static bool
expect_end (Run *run)
{
  if (channel_is_at_end (run->serve->channel))
    return true;
  channel_drain (run->serve->channel);
  return fail (run, "the client has more to say");
}

static bool
run_bye (Run *run, const char *text)
{
  const char *line = channel_peek_line (run->serve->channel);

  if (line != NULL && g_ascii_strcasecmp (line, "QUIT") == 0)
    {
      channel_read_line (run->serve->channel);
      channel_send_line (run->serve->channel, "221 2.0.0 bye");
    }
  return expect_end (run);
}

static bool
run_cancel (Run *run, const char *text)
{
  const char *line = channel_peek_line (run->serve->channel);

  if (line != NULL && strcmp (line, "*") == 0)
    {
      channel_read_line (run->serve->channel);
      channel_send_line (run->serve->channel, "501 5.7.0 cancelled");
    }
  return run_bye (run, text);
}

static bool
run_eof (Run *run, const char *text)
{
  return expect_end (run);
}

static bool
run_quiet (Run *run, const char *text)
{
  return channel_is_quiet (run->serve->channel, expand_number (run, text))
         || fail (run, "the client speaks before its time");
}

static bool
run_hello (Run *run, const char *text)
{
  return !channel_is_quiet (run->serve->channel, HELLO_MS)
         || fail (run, "no ClientHello");
}

static bool
run_drain (Run *run, const char *text)
{
  channel_drain (run->serve->channel);
  return true;
}

/* SASL by hand. */

static bool
run_nonce (Run *run, const char *text)
{
  const char *line = g_hash_table_lookup (run->variables, "line");
  const char *word = line == NULL ? NULL : strrchr (line, ' ');
  size_t length;
  g_autofree char *octets =
      word == NULL ? NULL : (char *) g_base64_decode (word + 1, &length);
  g_autofree char *first = octets == NULL ? NULL : g_strndup (octets, length);
  char *nonce = first == NULL ? NULL : strstr (first, ",r=");

  if (nonce == NULL)
    return fail (run, "no nonce in %s", line == NULL ? "nothing" : line);
  nonce[3 + strcspn (nonce + 3, ",")] = '\0';
  set_received (run, "nonce", nonce + 3);
  return true;
}

static bool
run_challenge (Run *run, const char *text)
{
  g_autoptr (GString) octets = expand (run, text);
  g_autofree char *encoded = NULL;

  if (octets == NULL)
    return false;
  encoded = g_base64_encode ((const unsigned char *) octets->str, octets->len);
  channel_send_line (run->serve->channel, "334 %s", encoded);
  return true;
}

/* TLS and the connection. */

static bool
run_tls (Run *run, const char *text)
{
  return channel_start_tls (run->serve->channel, &run->serve->settings->tls)
         || fail (run, "no TLS");
}

static bool
run_greeted (Run *run, const char *text)
{
  run->serve->greeted = true;
  return true;
}

static bool
run_shred (Run *run, const char *text)
{
  channel_shred (run->serve->channel);
  return true;
}

static bool
run_beneath (Run *run, const char *text)
{
  g_autoptr (GString) octets = expand (run, text);

  if (octets != NULL)
    channel_send_beneath (run->serve->channel, octets->str, octets->len);
  return octets != NULL;
}

static bool
run_sip (Run *run, const char *text)
{
  unsigned milliseconds = take_number (&text);
  unsigned count = take_number (&text);

  while (count-- > 0 && channel_sip (run->serve->channel, 1))
    g_usleep (milliseconds * 1000UL);
  return true;
}

static bool
run_empty (Run *run, const char *text)
{
  gnutls_session_t session = channel_session (run->serve->channel);
  unsigned count = expand_number (run, text);

  if (session == NULL)
    return false;
  while (count-- > 0 && gnutls_record_send (session, "", 0) >= 0)
    ;
  return true;
}

static bool
run_tickets (Run *run, const char *text)
{
  gnutls_session_t session = channel_session (run->serve->channel);
  unsigned count = expand_number (run, text);

  if (session == NULL)
    return false;
  while (count-- > 0 && gnutls_session_ticket_send (session, 1, 0) >= 0)
    ;
  return true;
}

static bool
run_key_update (Run *run, const char *text)
{
  gnutls_session_t session = channel_session (run->serve->channel);

  if (session != NULL)
    gnutls_session_key_update (session, GNUTLS_KU_PEER);
  return session != NULL;
}

static bool
run_rehandshake (Run *run, const char *text)
{
  gnutls_session_t session = channel_session (run->serve->channel);

  if (session != NULL)
    gnutls_rehandshake (session);
  return session != NULL;
}

static bool
run_alert (Run *run, const char *text)
{
  gnutls_session_t session = channel_session (run->serve->channel);

  if (session != NULL)
    gnutls_alert_send (session, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED);
  return session != NULL;
}

static bool
run_half_close (Run *run, const char *text)
{
  channel_half_close (run->serve->channel);
  return true;
}

static bool
run_half_cut (Run *run, const char *text)
{
  channel_half_cut (run->serve->channel);
  return true;
}

static bool
run_close (Run *run, const char *text)
{
  channel_close (run->serve->channel);
  return true;
}

static bool
run_cut (Run *run, const char *text)
{
  channel_cut (run->serve->channel);
  return true;
}

static bool
run_reset (Run *run, const char *text)
{
  channel_reset (run->serve->channel);
  return true;
}

static bool
run_delay (Run *run, const char *text)
{
  g_usleep (expand_number (run, text) * 1000UL);
  return true;
}

static bool
run_stop_reading (Run *run, const char *text)
{
  record_note (run->serve->record, "stop-reading");
  pause ();
  return true;
}

/* Order. */

static bool
run_set (Run *run, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", 2);
  g_autoptr (GString) value = NULL;

  if (words[0] == NULL)
    return fail (run, "set NAME TEXT");
  value = expand (run, words[1] == NULL ? "" : words[1]);
  if (value == NULL)
    return false;
  if (!g_hash_table_contains (run->variables, words[0]))
    g_hash_table_insert (run->variables, g_strdup (words[0]),
                         g_strdup (value->str));
  return true;
}

static bool
run_repeat (Run *run, const char *text)
{
  const Step *step = g_ptr_array_index (run->dialogue->steps, run->at);
  unsigned *turns = &run->turns[step->other];

  *turns = expand_number (run, text);
  if (*turns == 0)
    run->at = step->other;
  return run->reason == NULL;
}

static bool
run_end (Run *run, const char *text)
{
  const Step *step = g_ptr_array_index (run->dialogue->steps, run->at);

  if (--run->turns[run->at] > 0)
    run->at = step->other;
  return true;
}

static const Verb verbs[] = {
  { ">", run_send },
  { ">-", run_send_octets },
  { "<", run_expect },
  { "<=", run_expect_exactly },
  { "alert", run_alert },
  { "answer", run_answer },
  { "begin", run_begin },
  { "beneath", run_beneath },
  { "bye", run_bye },
  { "cancel", run_cancel },
  { "challenge", run_challenge },
  { "clear", run_clear },
  { "close", run_close },
  { "cut", run_cut },
  { "delay", run_delay },
  { "drain", run_drain },
  { "drip", run_drip },
  { "empty", run_empty },
  { "end", run_end },
  { "eof", run_eof },
  { "flood", run_flood },
  { "greeted", run_greeted },
  { "half-close", run_half_close },
  { "half-cut", run_half_cut },
  { "hello", run_hello },
  { "key-update", run_key_update },
  { "message", run_message },
  { "nonce", run_nonce },
  { "offer", run_offer },
  { "pass", run_pass },
  { "quiet", run_quiet },
  { "rehandshake", run_rehandshake },
  { "repeat", run_repeat },
  { "reset", run_reset },
  { "secure", run_secure },
  { "serve", run_serve },
  { "set", run_set },
  { "shred", run_shred },
  { "sip", run_sip },
  { "stall", run_drain },
  { "stop-reading", run_stop_reading },
  { "tickets", run_tickets },
  { "tls", run_tls },
  { "until", run_until },
};

/* Reading the file. */

static void
step_free (void *data)
{
  Step *step = data;

  g_free (step->text);
  g_free (step->file);
  g_free (step);
}

void
dialogue_free (Dialogue *dialogue)
{
  g_ptr_array_unref (dialogue->steps);
  g_free (dialogue);
}

static const Verb *
find_verb (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, name))
      return &verbs[i];
  return NULL;
}

static bool read_file (Dialogue *dialogue, const char *file, unsigned depth,
                       GError **error);

static bool
include (Dialogue *dialogue, const char *file, const char *name,
         unsigned depth, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (file);
  g_autofree char *path = g_build_filename (directory, name, NULL);

  if (depth < DEPTH_MAXIMUM)
    return read_file (dialogue, path, depth + 1, error);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_LOOP, "%s: too deep", file);
  return false;
}

static bool
add_step (Dialogue *dialogue, const char *file, unsigned number,
          const char *line, unsigned depth, GError **error)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 2);
  const char *text = words[1] == NULL ? "" : words[1];
  const Verb *verb = find_verb (words[0]);
  Step *step;

  if (g_str_equal (words[0], "include"))
    return include (dialogue, file, text, depth, error);
  if (verb == NULL)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   "%s:%u: unknown verb %s", file, number, words[0]);
      return false;
    }
  step = g_new0 (Step, 1);
  step->verb = verb;
  step->text = g_strdup (text);
  step->file = g_strdup (file);
  step->line = number;
  g_ptr_array_add (dialogue->steps, step);
  return true;
}

static bool
read_file (Dialogue *dialogue, const char *file, unsigned depth,
           GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (file, &text, NULL, error))
    return false;
  lines = g_strsplit (text, "\n", -1);
  for (unsigned i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strchug (lines[i]);

      if (*line != '\0' && *line != '#'
          && !add_step (dialogue, file, i + 1, line, depth, error))
        return false;
    }
  return true;
}

static bool
match_repeats (Dialogue *dialogue, GError **error)
{
  g_autoptr (GArray) open = g_array_new (FALSE, FALSE, sizeof (unsigned));

  for (unsigned i = 0; i < dialogue->steps->len; i++)
    {
      Step *step = g_ptr_array_index (dialogue->steps, i);

      if (step->verb->run == run_repeat)
        g_array_append_val (open, i);
      if (step->verb->run == run_end && open->len == 0)
        {
          g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                       "%s:%u: end without repeat", step->file, step->line);
          return false;
        }
      if (step->verb->run == run_end)
        {
          step->other = g_array_index (open, unsigned, open->len - 1);
          ((Step *) g_ptr_array_index (dialogue->steps, step->other))->other =
              i;
          g_array_set_size (open, open->len - 1);
        }
    }
  if (open->len > 0)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                 "repeat without end");
  return open->len == 0;
}

Dialogue *
dialogue_read (const char *file, GError **error)
{
  g_autoptr (Dialogue) dialogue = g_new0 (Dialogue, 1);

  dialogue->steps = g_ptr_array_new_with_free_func (step_free);
  if (!read_file (dialogue, file, 0, error)
      || !match_repeats (dialogue, error))
    return NULL;
  return g_steal_pointer (&dialogue);
}

bool
dialogue_run (const Dialogue *dialogue, Serve *serve, GHashTable *variables)
{
  g_autofree unsigned *turns = g_new0 (unsigned, dialogue->steps->len + 1);
  Run run = { dialogue, serve, variables, 0, turns, NULL };
  g_autofree char *verdict = NULL;

  for (; run.at < dialogue->steps->len && verdict == NULL; run.at++)
    {
      const Step *step = g_ptr_array_index (dialogue->steps, run.at);

      if (!step->verb->run (&run, step->text))
        verdict = g_strdup_printf ("failed: %s:%u: %s", step->file, step->line,
                                   run.reason == NULL ? step->verb->name
                                                      : run.reason);
    }
  record_verdict (serve->record, verdict == NULL ? "ok" : verdict);
  g_free (run.reason);
  return verdict == NULL;
}
