#include "relay/serve.h"

#include <string.h>

#include <glib.h>

static const char rejection[] = "550 5.1.1 no such user";
static const char deferral[] = "450 4.2.1 try again later";

/* Parameters of MAIL and RCPT, and the extension each belongs to. */
static const struct
{
  const char *name;
  const char *extension;
} parameters[] = {
  { "SIZE", "SIZE" }, { "BODY", "8BITMIME" }, { "SMTPUTF8", "SMTPUTF8" },
  { "RET", "DSN" },   { "ENVID", "DSN" },     { "NOTIFY", "DSN" },
  { "ORCPT", "DSN" }, { "AUTH", "AUTH" },
};

void
serve_init (Serve *serve, const ServeSettings *settings, Channel *channel,
            Record *record)
{
  *serve =
      (Serve) { .settings = settings, .channel = channel, .record = record };
}

void
serve_clear (Serve *serve)
{
  g_clear_pointer (&serve->offers, g_ptr_array_unref);
}

void
serve_offer (Serve *serve, const char *line)
{
  if (serve->offers == NULL)
    serve->offers = g_ptr_array_new_with_free_func (g_free);
  if (*line != '\0')
    g_ptr_array_add (serve->offers, g_strdup (line));
}

static void
offer_the_usual (Serve *serve)
{
  static const char *const usual[] = { "PIPELINING", "8BITMIME", "SMTPUTF8",
                                       "ENHANCEDSTATUSCODES", "DSN" };
  g_autofree char *size = g_strdup_printf ("SIZE %s", serve->settings->size);
  g_autofree char *auth =
      g_strdup_printf ("AUTH %s", serve->settings->mechanisms);

  for (size_t i = 0; i < G_N_ELEMENTS (usual); i++)
    serve_offer (serve, usual[i]);
  serve_offer (serve, size);
  serve_offer (serve, auth);
}

static bool
offers (const Serve *serve, const char *keyword)
{
  size_t length = strlen (keyword);

  for (unsigned i = 0; serve->offers != NULL && i < serve->offers->len; i++)
    {
      const char *line = g_ptr_array_index (serve->offers, i);

      if (g_ascii_strncasecmp (line, keyword, length) == 0
          && (line[length] == '\0' || line[length] == ' '))
        return true;
    }
  return false;
}

static bool
is_secure (const Serve *serve)
{
  return channel_session (serve->channel) != NULL;
}

static void
reset (Serve *serve)
{
  serve->mail = serve->smtputf8 = false;
  serve->recipients = 0;
  serve->late = NULL;
}

/* RFC 2920 section 3.1, RFC 3207 section 4: this command ends its flight. */
static void
must_be_last (Serve *serve, const char *command)
{
  if (channel_waiting (serve->channel) > 0)
    record_note (serve->record, "early: %zu octets after %s",
                 channel_waiting (serve->channel), command);
}

static void
answer_ehlo (Serve *serve, const char *argument)
{
  static const char greeting[] = "relay.test";
  GPtrArray *lines = serve->offers;

  must_be_last (serve, "EHLO");
  reset (serve);
  if (!is_secure (serve))
    {
      channel_send_line (serve->channel,
                         "250-%s\r\n250-PIPELINING\r\n250 STARTTLS", greeting);
      return;
    }
  if (lines->len == 0)
    channel_send_line (serve->channel, "250 %s", greeting);
  else
    {
      g_autoptr (GString) reply = g_string_new ("250-");

      g_string_append (reply, greeting);
      for (unsigned i = 0; i < lines->len; i++)
        g_string_append_printf (reply, "\r\n250%c%s",
                                i + 1 == lines->len ? ' ' : '-',
                                (char *) g_ptr_array_index (lines, i));
      channel_send_line (serve->channel, "%s", reply->str);
    }
}

static void
answer_helo (Serve *serve, const char *argument)
{
  channel_send_line (serve->channel, "502 5.5.1 EHLO is wanted here");
}

static void
answer_starttls (Serve *serve, const char *argument)
{
  if (is_secure (serve) || !serve->settings->starttls)
    {
      channel_send_line (serve->channel, "503 5.5.1 not now");
      return;
    }
  must_be_last (serve, "STARTTLS");
  channel_send_line (serve->channel, "220 2.0.0 go ahead");
  if (!channel_start_tls (serve->channel, &serve->settings->tls))
    serve->finished = true;
}

static void
answer_auth (Serve *serve, const char *argument)
{
  g_autofree char *line = g_strdup_printf ("AUTH %s", argument);

  must_be_last (serve, "AUTH");
  if (!is_secure (serve))
    channel_send_line (serve->channel, "538 5.7.11 encryption required");
  else if (serve->authenticated)
    channel_send_line (serve->channel, "503 5.5.1 once is enough");
  else
    serve->authenticated = login_run (serve->channel, serve->record,
                                      &serve->settings->user, line);
}

/* Why PATH with its PARAMETERS is not taken, or NULL. */
static const char *
refuse_parameters (const Serve *serve, char **words)
{
  for (; *words != NULL; words++)
    {
      size_t length = strcspn (*words, "=");
      size_t i = 0;

      while (i < G_N_ELEMENTS (parameters)
             && (strlen (parameters[i].name) != length
                 || g_ascii_strncasecmp (*words, parameters[i].name, length)
                        != 0))
        i++;
      if (i == G_N_ELEMENTS (parameters)
          || !offers (serve, parameters[i].extension))
        return "555 5.5.4 this parameter was not offered";
    }
  return NULL;
}

static const char *
refuse_size (const Serve *serve, char **words)
{
  for (; *words != NULL; words++)
    if (g_ascii_strncasecmp (*words, "SIZE=", 5) == 0
        && g_ascii_strtoull (*words + 5, NULL, 10)
               > g_ascii_strtoull (serve->settings->size, NULL, 10))
      return "552 5.3.4 too large";
  return NULL;
}

static const char *
refuse_local_part (Serve *serve, const char *path)
{
  if (g_str_has_prefix (path, "<reject@"))
    return rejection;
  if (g_str_has_prefix (path, "<defer@"))
    return deferral;
  if (g_str_has_prefix (path, "<late-reject@"))
    serve->late = "554 5.7.1 not this one";
  if (g_str_has_prefix (path, "<late-defer@"))
    serve->late = "451 4.3.0 not now";
  return NULL;
}

/* The length of the path that TEXT begins with; a local-part may be quoted. */
static size_t
path_length (const char *text)
{
  bool quoted = false;
  size_t n = 0;

  for (; text[n] != '\0' && (quoted || text[n] != ' '); n++)
    {
      if (text[n] == '"')
        quoted = !quoted;
      if (quoted && text[n] == '\\' && text[n + 1] != '\0')
        n++;
    }
  return n;
}

/* ARGUMENT is "FROM:<path> parameters" with KEYWORD "FROM:"; the reply that
   refuses it, or NULL. */
static const char *
refuse_path (Serve *serve, const char *argument, const char *keyword)
{
  g_autofree char *path = NULL;
  g_auto (GStrv) words = NULL;
  const char *refusal;

  if (g_ascii_strncasecmp (argument, keyword, strlen (keyword)) != 0)
    return "501 5.5.4 syntax";
  argument += strlen (keyword);
  path = g_strndup (argument, path_length (argument));
  words = g_strsplit (argument + strlen (path), " ", -1);
  if (!g_str_has_prefix (path, "<") || !g_str_has_suffix (path, ">"))
    return "501 5.1.3 syntax";
  for (char **word = words; *word != NULL; word++)
    if (g_ascii_strcasecmp (*word, "SMTPUTF8") == 0)
      serve->smtputf8 = true;
  if (!g_str_is_ascii (path) && !serve->smtputf8)
    return "553 5.6.7 SMTPUTF8 is wanted for this";
  refusal = words[0] == NULL ? NULL : refuse_parameters (serve, words + 1);
  if (refusal == NULL && words[0] != NULL)
    refusal = refuse_size (serve, words + 1);
  return refusal != NULL ? refusal : refuse_local_part (serve, path);
}

static void
answer_mail (Serve *serve, const char *argument)
{
  const char *refusal;

  if (!is_secure (serve))
    refusal = "530 5.7.0 STARTTLS first";
  else if (!serve->authenticated && !serve->settings->open)
    refusal = "530 5.7.0 AUTH first";
  else if (serve->mail)
    refusal = "503 5.5.1 there is a transaction already";
  else
    refusal = refuse_path (serve, argument, "FROM:");
  serve->mail = serve->mail || refusal == NULL;
  channel_send_line (serve->channel, "%s",
                     refusal == NULL ? "250 2.1.0 sender ok" : refusal);
}

static void
answer_rcpt (Serve *serve, const char *argument)
{
  const char *refusal = serve->mail ? refuse_path (serve, argument, "TO:")
                                    : "503 5.5.1 MAIL first";

  if (refusal == NULL)
    serve->recipients++;
  channel_send_line (serve->channel, "%s",
                     refusal == NULL ? "250 2.1.5 recipient ok" : refusal);
}

typedef struct
{
  size_t octets, bare_cr, bare_lf, eight_bit, longest;
} Census;

static void
count_chunk (Census *census, const char *chunk, size_t length)
{
  size_t end = length;

  census->octets += length;
  for (size_t i = 0; i < length; i++)
    {
      bool cr_before = i > 0 && chunk[i - 1] == '\r';

      census->eight_bit += (unsigned char) chunk[i] > 127;
      census->bare_lf += chunk[i] == '\n' && !cr_before;
      census->bare_cr += chunk[i] != '\n' && cr_before;
    }
  if (end >= 2 && memcmp (chunk + end - 2, "\r\n", 2) == 0)
    end -= 2;
  census->longest = MAX (census->longest, end);
}

/* The end is CRLF . CRLF and nothing else (RFC 5321 section 4.1.1.4): a chunk
   ends at any LF, a line only at CRLF. */
bool
serve_read_message (Serve *serve)
{
  Census census = { 0 };
  bool at_start = true;
  const char *chunk;
  size_t length;

  record_message_begin (serve->record);
  while ((chunk = channel_read_chunk (serve->channel, &length)) != NULL)
    {
      if (at_start && length == 3 && memcmp (chunk, ".\r\n", 3) == 0)
        break;
      if (at_start && chunk[0] == '.')
        chunk++, length--;
      at_start = length >= 2 && memcmp (chunk + length - 2, "\r\n", 2) == 0;
      count_chunk (&census, chunk, length);
      record_message_octets (serve->record, chunk, length);
    }
  record_note (serve->record,
               "message %u %s: %zu octets, %zu bare CR, %zu bare LF, "
               "%zu 8-bit, longest line %zu",
               record_message_end (serve->record),
               chunk == NULL ? "torn" : "whole", census.octets, census.bare_cr,
               census.bare_lf, census.eight_bit, census.longest);
  return chunk != NULL;
}

static void
answer_data (Serve *serve, const char *argument)
{
  must_be_last (serve, "DATA");
  if (!serve->mail || serve->recipients == 0)
    {
      channel_send_line (serve->channel, serve->mail
                                             ? "554 5.5.1 no valid recipients"
                                             : "503 5.5.1 MAIL first");
      return;
    }
  channel_send_line (serve->channel, "354 go ahead");
  if (!serve_read_message (serve))
    return;
  channel_send_line (serve->channel, "%s",
                     serve->late == NULL ? "250 2.0.0 queued as relay-test"
                                         : serve->late);
  reset (serve);
}

static void
answer_rset (Serve *serve, const char *argument)
{
  reset (serve);
  channel_send_line (serve->channel, "250 2.0.0 forgotten");
}

static void
answer_noop (Serve *serve, const char *argument)
{
  channel_send_line (serve->channel, "250 2.0.0 ok");
}

static void
answer_quit (Serve *serve, const char *argument)
{
  channel_send_line (serve->channel, "221 2.0.0 bye");
  serve->finished = true;
}

static const struct
{
  const char *name;
  void (*answer) (Serve *serve, const char *argument);
} commands[] = {
  { "EHLO", answer_ehlo },         { "HELO", answer_helo },
  { "STARTTLS", answer_starttls }, { "AUTH", answer_auth },
  { "MAIL", answer_mail },         { "RCPT", answer_rcpt },
  { "DATA", answer_data },         { "RSET", answer_rset },
  { "NOOP", answer_noop },         { "QUIT", answer_quit },
};

static void
answer (Serve *serve, const char *line)
{
  size_t length = strcspn (line, " ");
  g_autofree char *argument =
      g_strdup (line[length] == ' ' ? line + length + 1 : "");

  if (channel_waiting (serve->channel) > 0 && is_secure (serve)
      && !offers (serve, "PIPELINING"))
    record_note (serve->record, "early: PIPELINING was not offered");
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strlen (commands[i].name) == length
        && g_ascii_strncasecmp (line, commands[i].name, length) == 0)
      {
        commands[i].answer (serve, argument);
        return;
      }
  channel_send_line (serve->channel, "500 5.5.2 what?");
}

bool
serve_begin (Serve *serve)
{
  return serve->settings->starttls || is_secure (serve)
         || channel_start_tls (serve->channel, &serve->settings->tls);
}

static bool
greet (Serve *serve)
{
  if (serve->offers == NULL)
    offer_the_usual (serve);
  if (serve->greeted)
    return true;
  serve->greeted = true;
  if (!serve_begin (serve))
    return false;
  channel_send_line (serve->channel, "220 relay.test ESMTP");
  return true;
}

static bool
is_wanted (const Serve *serve, const char *line, const char *glob)
{
  return glob == NULL ? is_secure (serve)
                      : g_pattern_match_simple (glob, line);
}

void
serve_command (Serve *serve)
{
  g_autofree char *command = g_strdup (channel_read_line (serve->channel));

  if (command != NULL)
    answer (serve, command);
}

bool
serve_until (Serve *serve, const char *glob)
{
  const char *line;

  if (!greet (serve))
    return false;
  while (!serve->finished
         && (line = channel_peek_line (serve->channel)) != NULL)
    {
      if (is_wanted (serve, line, glob))
        return true;
      serve_command (serve);
    }
  return false;
}

bool
serve_clear_part (Serve *serve)
{
  if (!serve->settings->starttls)
    return true;
  if (!serve_until (serve, "STARTTLS"))
    return false;
  channel_read_line (serve->channel);
  must_be_last (serve, "STARTTLS");
  channel_send_line (serve->channel, "220 2.0.0 go ahead");
  return true;
}

bool
serve_secure (Serve *serve)
{
  return serve_until (serve, NULL);
}

void
serve_run (Serve *serve)
{
  serve_until (serve, "\n"); /* which no command matches */
  if (serve->finished)
    channel_drain (serve->channel);
}

void
serve_refuse (Serve *serve)
{
  if (!serve_begin (serve))
    return;
  record_note (serve->record, "too many connections");
  channel_send_line (serve->channel, "421 4.7.0 too many connections");
}
