#include "crash/state.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "queue/entry.h"

#define NOTICE "Content-Type: multipart/report"

static void
letter_free (void *data)
{
  Letter *letter = data;

  g_free (letter->name);
  g_free (letter->mark);
  g_free (letter->octets);
  g_strfreev (letter->recipients);
  g_free (letter);
}

static char *
read_file (const char *directory, const char *name, size_t *length)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  char *octets;

  return g_file_get_contents (path, &octets, length, NULL) ? octets : NULL;
}

static char **
read_lines (const char *directory, const char *name)
{
  g_autofree char *text = read_file (directory, name, NULL);

  return text == NULL ? NULL : g_strsplit (g_strchomp (text), "\n", -1);
}

static Letter *
letter_load (const char *directory, const char *name)
{
  Letter *letter = g_new0 (Letter, 1);
  g_autofree char *to = g_strconcat (name, ".to", NULL);

  letter->name = g_strdup (name);
  letter->mark = g_strconcat (name, "@crash.test", NULL);
  letter->octets = read_file (directory, name, &letter->length);
  letter->recipients = read_lines (directory, to);
  if (letter->octets == NULL || letter->recipients == NULL)
    errx (EX_NOINPUT, "%s: no letter %s", directory, name);
  letter->count = g_strv_length (letter->recipients);
  g_assert (letter->count <= G_N_ELEMENTS (((Place *) NULL)->owed));
  return letter;
}

GPtrArray *
letters_load (const char *directory)
{
  GPtrArray *letters = g_ptr_array_new_with_free_func (letter_free);

  for (unsigned i = 1;; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (access (path, R_OK) < 0)
        return letters;
      g_ptr_array_add (letters, letter_load (directory, name));
    }
}

bool
recipient_is_refused (const char *recipient)
{
  return strstr (recipient, "reject@") != NULL
         || strstr (recipient, "defer@") != NULL;
}

typedef struct
{
  State *state;
  const GPtrArray *letters;
} Census;

static void complain (Census *census, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

static void
complain (Census *census, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_ptr_array_add (census->state->complaints,
                   g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

/* The letter that OCTETS have, or are about. -1: none. */
static int
find_letter (const Census *census, const char *octets, size_t length)
{
  for (size_t i = 0; i < census->letters->len; i++)
    {
      const Letter *letter = census->letters->pdata[i];

      if (memmem (octets, length, letter->mark, strlen (letter->mark)) != NULL)
        return (int) i;
    }
  return -1;
}

static Place *
place_of (const Census *census, int index)
{
  return &g_array_index (census->state->places, Place, index);
}

static bool
is_notice (const char *octets, size_t length)
{
  return memmem (octets, length, NOTICE, strlen (NOTICE)) != NULL;
}

/* The whole message, and nothing else. A notice is known by its last line. */
static bool
is_whole (const Letter *letter, const char *octets, size_t length)
{
  if (is_notice (octets, length))
    return length > 4 && memcmp (octets + length - 4, "--\r\n", 4) == 0;
  return length == letter->length
         && memcmp (octets, letter->octets, length) == 0;
}

/* Header and body as the relay would get them. */
static char *
entry_octets (const Entry *entry, size_t *length)
{
  const Content *content = &entry->content;
  char *octets = g_malloc (content->header.size + content->body.size);

  *length = content->header.size + content->body.size;
  if (pread (entry->fd, octets, content->header.size,
             (off_t) content->header.offset)
          != (ssize_t) content->header.size
      || pread (entry->fd, octets + content->header.size, content->body.size,
                (off_t) content->body.offset)
             != (ssize_t) content->body.size)
    err (EX_IOERR, "%s", entry->id);
  return octets;
}

static int
index_of (const Letter *letter, const char *recipient)
{
  for (size_t i = 0; i < letter->count; i++)
    if (strcmp (letter->recipients[i], recipient) == 0)
      return (int) i;
  return -1;
}

static void
note_recipients (const Entry *entry, const Letter *letter, Place *place)
{
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);

  for (size_t i = 0; i < envelope->forward_paths->len; i++)
    {
      int index = index_of (letter, envelope->forward_paths->pdata[i]);

      if (index >= 0)
        place->owed[index] = true;
    }
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];
      int index = index_of (letter, entry->envelope->forward_paths->pdata[i]);

      if (index >= 0 && status != NULL && status->fate == FATE_FAILED
          && !g_array_index (entry->told, bool, i))
        place->untold[index] = true;
    }
}

static void
add_to_key (GString *key, const Entry *entry, bool held, int letter)
{
  g_string_append_printf (key, "%d %d %d: %u %u %d %d %d %d %d %d;", letter,
                          entry->notification, held, entry->attempts,
                          entry->delays, entry->last_attempt != 0,
                          entry->retry, entry->warned, entry->end_of_data_sent,
                          entry->reason[0] != '\0', entry->doomed != 0);
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status == NULL)
        g_string_append (key, " -");
      else
        g_string_append_printf (key, " %d/%d/%d/%d/%d/%d/%d", status->fate,
                                status->scope, status->stage, status->code,
                                status->exit_status, status->ambiguous,
                                g_array_index (entry->told, bool, i));
    }
  g_string_append_c (key, '\n');
}

/* "crc failures time stage paused notified reason" */
static void
add_account_to_key (GString *key, const char *room, const char *name)
{
  g_auto (GStrv) lines = read_lines (room, name);
  g_auto (GStrv) field = g_strsplit (lines[0] != NULL ? lines[0] : "", " ", 7);

  if (g_strv_length (field) == 7)
    g_string_append_printf (key, "%s: %s %s %s %s\n", name, field[1], field[3],
                            field[4], field[5]);
  else
    g_string_append_printf (key, "%s: damaged\n", name);
}

/* "crc 1 mechanism identity" */
static void
add_login_to_key (GString *key, const char *room, const char *name)
{
  g_auto (GStrv) lines = read_lines (room, name);
  g_auto (GStrv) field = g_strsplit (lines[0] != NULL ? lines[0] : "", " ", 5);

  g_string_append_printf (key, "%s: %s\n", name,
                          g_strv_length (field) == 4 ? field[2] : "damaged");
}

static void
note_entry (Census *census, const Entry *entry, bool held)
{
  size_t length;
  g_autofree char *octets = entry_octets (entry, &length);
  int index = find_letter (census, octets, length);
  Place *place;

  if (index < 0 || !is_whole (census->letters->pdata[index], octets, length))
    {
      complain (census, "%s is half a message", entry->id);
      return;
    }
  add_to_key (census->state->key, entry, held, index);
  place = place_of (census, index);
  if (is_notice (octets, length) != entry->notification)
    complain (census, "%s is a notification, or is not", entry->id);
  if (entry->notification)
    {
      place->notices_held += held;
      place->notices_kept += !held;
      place->notices_ambiguous += !held && entry_is_ambiguous (entry);
      return;
    }
  /* What has a reason to be held is moved before anything else is done. */
  held = held || entry->reason[0] != '\0';
  place->held += held;
  place->queued += !held;
  if (held)
    return;
  place->ambiguous = entry_is_ambiguous (entry);
  note_recipients (entry, census->letters->pdata[index], place);
}

static void
look_at (Census *census, const char *room, const char *name)
{
  g_autofree char *path = g_build_filename (room, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = NULL;
  bool held = g_str_has_suffix (room, "/held");
  int fd;

  if (name[0] == '.')
    {
      census->state->temporary++;
      return;
    }
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    err (EX_IOERR, "%s", path);
  *(held ? &census->state->held : &census->state->queued) += 1;
  entry = entry_read (fd, name, true, &error);
  if (entry != NULL)
    {
      note_entry (census, entry, held);
      return;
    }
  close (fd);
  complain (census, "%s", error->message);
}

static int
compare (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The names in a directory, sorted: identifiers are in the order of time. */
static GPtrArray *
list (const char *directory)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare);
  return names;
}

static void
look_at_account (Census *census, const char *room, const char *name)
{
  if (name[0] == '.')
    census->state->temporary++;
  else if (g_str_has_suffix (name, ".login"))
    add_login_to_key (census->state->key, room, name);
  else if (!g_str_has_suffix (name, ".lock")
           && !g_str_has_suffix (name, ".linger"))
    add_account_to_key (census->state->key, room, name);
}

static void
look_into (Census *census, const char *queue, const char *name)
{
  g_autofree char *room = g_build_filename (queue, name, NULL);
  g_autoptr (GPtrArray) names = list (room);

  for (size_t i = 0; i < names->len; i++)
    if (strcmp (name, "corrupt") == 0)
      census->state->corrupt++;
    else if (strcmp (name, "accounts") == 0)
      look_at_account (census, room, names->pdata[i]);
    else
      look_at (census, room, names->pdata[i]);
}

/* The relay. */

/* Returns its place, unless it is a notification. */
static Place *
note_relayed (Census *census, const char *octets, size_t length,
              const GPtrArray *recipients)
{
  int number = find_letter (census, octets, length);
  const Letter *letter;
  Place *place;

  census->state->relayed++;
  if (number < 0 || !is_whole (census->letters->pdata[number], octets, length))
    {
      complain (census, "the relay has half a message");
      return NULL;
    }
  place = place_of (census, number);
  letter = census->letters->pdata[number];
  if (is_notice (octets, length))
    {
      place->notices_relayed++;
      return NULL;
    }
  for (size_t i = 0; i < recipients->len; i++)
    {
      int index = index_of (letter, recipients->pdata[i]);

      if (index >= 0)
        place->relayed[index]++;
      else
        complain (census, "the relay has letter %s for %s", letter->name,
                  (char *) recipients->pdata[i]);
    }
  return place;
}

/* RCPT TO:<a@b> …; who is refused is not among them. */
static void
note_rcpt (GPtrArray *recipients, const char *argument)
{
  const char *end = strchr (argument, '>');
  g_autofree char *recipient =
      g_strndup (argument, end == NULL ? 0 : (size_t) (end - argument));

  if (!recipient_is_refused (recipient))
    g_ptr_array_add (recipients, g_steal_pointer (&recipient));
}

/* The next message's envelope comes with the final dot, and before the verdict. */
static bool
may_come_early (const char *line)
{
  return g_str_has_prefix (line, "tls < MAIL")
         || g_str_has_prefix (line, "tls < RCPT")
         || g_str_has_prefix (line, "tls < DATA");
}

static void
read_conversation (Census *census, const char *record, const char *name,
                   char **lines)
{
  g_autoptr (GPtrArray) recipients = g_ptr_array_new_with_free_func (g_free);
  static const char rcpt[] = "tls < RCPT TO:<";
  Place *last = NULL; /* the letter that was relayed last */

  for (; *lines != NULL; lines++)
    {
      unsigned number;
      int end = 0;

      if (last != NULL && g_str_has_prefix (*lines, "tls < ")
          && !may_come_early (*lines))
        last->passed = true;
      if (g_str_has_prefix (*lines, "tls < MAIL"))
        g_ptr_array_set_size (recipients, 0);
      else if (g_str_has_prefix (*lines, rcpt))
        note_rcpt (recipients, *lines + strlen (rcpt));
      else if (sscanf (*lines, "tls - message %u whole:%n", &number, &end) == 1
               && end > 0)
        {
          g_autofree char *file = g_strdup_printf (
              "%.*s.message-%u", (int) strcspn (name, "."), name, number);
          size_t length;
          g_autofree char *octets = read_file (record, file, &length);

          if (octets == NULL)
            errx (EX_IOERR, "%s/%s", record, file);
          if (last != NULL)
            last->passed = true;
          last = note_relayed (census, octets, length, recipients);
        }
      else if (strstr (*lines, " - early: ") != NULL)
        complain (census, "%s", *lines);
    }
}

static void
read_record (Census *census, const char *record)
{
  g_autoptr (GDir) dir = g_dir_open (record, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".log"))
      {
        g_auto (GStrv) lines = read_lines (record, name);

        read_conversation (census, record, name, lines);
      }
}

State *
state_take (const char *queue, const char *record, const GPtrArray *letters)
{
  static const char *const rooms[] = { "queue", "held", "corrupt",
                                       "accounts" };
  State *state = g_new0 (State, 1);
  Census census = { state, letters };

  state->places = g_array_new (FALSE, TRUE, sizeof (Place));
  g_array_set_size (state->places, letters->len);
  state->key = g_string_new (NULL);
  state->complaints = g_ptr_array_new_with_free_func (g_free);
  for (size_t i = 0; i < G_N_ELEMENTS (rooms); i++)
    look_into (&census, queue, rooms[i]);
  read_record (&census, record);
  for (size_t i = 0; i < letters->len; i++)
    for (size_t j = 0; j < G_N_ELEMENTS (((Place *) NULL)->relayed); j++)
      g_string_append_printf (
          state->key, "%u ",
          g_array_index (state->places, Place, i).relayed[j]);
  return state;
}

void
state_free (State *state)
{
  if (state == NULL)
    return;
  g_array_unref (state->places);
  g_string_free (state->key, TRUE);
  g_ptr_array_unref (state->complaints);
  g_free (state);
}

static void
append_place (GString *text, const Letter *letter, const Place *place)
{
  g_string_append_printf (
      text, "[%s: queue %u%s, held %u, notices %u+%u+%u;", letter->name,
      place->queued, place->ambiguous ? " ambiguous" : "", place->held,
      place->notices_kept, place->notices_held, place->notices_relayed);
  for (size_t i = 0; i < letter->count; i++)
    g_string_append_printf (text, " %s%s%u", place->owed[i] ? "owed+" : "",
                            place->untold[i] ? "untold+" : "",
                            place->relayed[i]);
  g_string_append (text, "]");
}

char *
state_describe (const State *state, const GPtrArray *letters)
{
  GString *text = g_string_new (NULL);

  for (size_t i = 0; i < letters->len; i++)
    append_place (text, letters->pdata[i],
                  &g_array_index (state->places, Place, i));
  return g_string_free (text, FALSE);
}
