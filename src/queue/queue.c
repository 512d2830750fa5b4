#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/log.h"
#include "base/user.h"

/* A file that a dead process left unnamed behind ".tmp-" has no living owner
   after this long. */
#define ORPHAN_SECONDS (36 * 60 * 60)

#define ID_LENGTH 16

typedef enum
{
  ROOM_QUEUE,
  ROOM_HELD,
  ROOM_CORRUPT,
  N_ROOMS,
} Room;

static const char *const room_names[N_ROOMS] = {
  [ROOM_QUEUE] = "queue",
  [ROOM_HELD] = "held",
  [ROOM_CORRUPT] = "corrupt",
};

struct Queue
{
  char *directory;
  int rooms[N_ROOMS];
};

void
queue_free (Queue *queue)
{
  if (queue == NULL)
    return;
  for (int i = 0; i < N_ROOMS; i++)
    if (queue->rooms[i] >= 0)
      close (queue->rooms[i]);
  g_free (queue->directory);
  g_free (queue);
}

/* A directory that this user alone can enter, or nothing. */
static bool
check_directory (int fd, const char *path, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    {
      failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                         _ ("cannot open the queue directory %s"), path);
      return false;
    }
  if (st.st_uid != geteuid ())
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("the queue directory %s belongs to another user (uid "
                      "%u); give it back, or move it away"),
                   path, (unsigned) st.st_uid);
      return false;
    }
  if ((st.st_mode & 077) != 0)
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("the queue directory %s is open to other users; "
                      "run `chmod 700 %s'"),
                   path, path);
      return false;
    }
  return true;
}

static int
open_directory (int parent, const char *name, const char *path, GError **error)
{
  int fd = openat (parent, name,
                   O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

  if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
    g_set_error (error, FAILURE, FAILURE_CONFIG,
                 _ ("%s is not a directory; the queue must be one, and no "
                    "symbolic link"),
                 path);
  else if (fd < 0)
    failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                       _ ("cannot open the queue directory %s"), path);
  else if (!check_directory (fd, path, error))
    {
      close (fd);
      fd = -1;
    }
  return fd;
}

/* Makes what is missing of PATH, and has each new name on disk before anything
   is put below it. */
static bool
make_path (const char *path)
{
  g_autofree char *parent = g_path_get_dirname (path);
  int fd;

  if (mkdir (path, 0700) < 0)
    {
      if (errno == EEXIST)
        return true;
      if (errno != ENOENT || strcmp (parent, path) == 0
          || !make_path (parent) || (mkdir (path, 0700) < 0 && errno != EEXIST))
        return false;
    }
  fd = open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0)
    {
      (void) fsync (fd);
      close (fd);
    }
  return true;
}

static bool
open_rooms (Queue *queue, int top, GError **error)
{
  for (int i = 0; i < N_ROOMS; i++)
    {
      g_autofree char *path
          = g_build_filename (queue->directory, room_names[i], NULL);

      if (mkdirat (top, room_names[i], 0700) == 0)
        (void) fsync (top);
      queue->rooms[i] = open_directory (top, room_names[i], path, error);
      if (queue->rooms[i] < 0)
        return false;
    }
  return true;
}

Queue *
queue_open (const char *directory, GError **error)
{
  g_autoptr (Queue) queue = g_new0 (Queue, 1);
  bool opened;
  int top;

  queue->directory = g_strdup (directory);
  for (int i = 0; i < N_ROOMS; i++)
    queue->rooms[i] = -1;
  if (!make_path (directory))
    {
      failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                         _ ("cannot make the queue directory %s"), directory);
      return NULL;
    }
  top = open_directory (AT_FDCWD, directory, directory, error);
  if (top < 0)
    return NULL;
  opened = open_rooms (queue, top, error);
  close (top);
  return opened ? g_steal_pointer (&queue) : NULL;
}

static char *
own_directory (const char *home)
{
  bool root = geteuid () == 0;
  g_autofree char *state = user_directory (
      "XDG_STATE_HOME", root ? NULL : home, ".local/state");

  if (state != NULL)
    return g_build_filename (state, "postrider", NULL);
  return root ? g_strdup ("/var/spool/postrider") : NULL;
}

Queue *
queue_open_own (const char *home, GError **error)
{
  g_autofree char *directory = own_directory (home);

  if (directory != NULL)
    return queue_open (directory, error);
  g_set_error (error, FAILURE, FAILURE_CANNOT_CREATE,
               _ ("user %s has no home directory, so there is no place for a "
                  "queue; set XDG_STATE_HOME to a directory of this user"),
               user_name ());
  return NULL;
}

Spool *
queue_spool (Queue *queue)
{
  return spool_new (queue->rooms[ROOM_QUEUE], ENTRY_PREAMBLE);
}

/* Sorts by time; the random end keeps two of one microsecond apart. */
static char *
new_id (void)
{
  int64_t now = g_get_real_time ();

  return g_strdup_printf ("%08" PRIX64 "%05" PRIX64 "%03X",
                          (uint64_t) now / G_USEC_PER_SEC & 0xffffffff,
                          (uint64_t) now % G_USEC_PER_SEC,
                          (unsigned) g_random_int_range (0, 0x1000));
}

static bool
is_id (const char *name)
{
  return strlen (name) == ID_LENGTH
         && strspn (name, "0123456789ABCDEF") == ID_LENGTH;
}

static void
copy_envelope (Entry *entry, const Envelope *envelope)
{
  entry->envelope = envelope_new_like (envelope);
  for (size_t i = 0; i < envelope->forward_paths->len; i++)
    envelope_add (entry->envelope, envelope->forward_paths->pdata[i]);
  entry->statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);
  g_ptr_array_set_size (entry->statuses,
                        (int) envelope->forward_paths->len);
}

static bool
is_ascii (const GString *text)
{
  for (size_t i = 0; i < text->len; i++)
    if ((unsigned char) text->str[i] > 127)
      return false;
  return true;
}

/* Header and envelope behind the body, then what they come to in front. */
static bool
write_entry (Entry *entry, Message *message, GError **error)
{
  g_autoptr (GString) header = header_to_string (message->header);
  g_autoptr (GString) envelope = NULL;
  g_autofree char *preamble = NULL;
  uint64_t body = spool_size (message->body);

  entry->content.body = (Segment){ ENTRY_PREAMBLE, body };
  entry->content.header = (Segment){ ENTRY_PREAMBLE + body, header->len };
  entry->content.header_utf8 = !is_ascii (header);
  entry->content.eight_bit
      = message->body_8bit || entry->content.header_utf8;
  envelope = entry_envelope_text (entry);
  entry->end = ENTRY_PREAMBLE + body + header->len + envelope->len;
  if (!spool_append (message->body, header->str, header->len, error)
      || !spool_append (message->body, envelope->str, envelope->len, error))
    return false;
  preamble = entry_preamble (body, header->len, envelope->len,
                             spool_crc (message->body));
  return spool_write_reserve (message->body, preamble, ENTRY_PREAMBLE, error);
}

/* RENAME_NOREPLACE is not everywhere to be had, and identifiers are unique. */
static bool
move (Queue *queue, const char *id, Room from, Room to, GError **error)
{
  if (renameat (queue->rooms[from], id, queue->rooms[to], id) < 0
      || fsync (queue->rooms[to]) < 0 || fsync (queue->rooms[from]) < 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot move %s/%s/%s to %s"), queue->directory,
                         room_names[from], id, room_names[to]);
      return false;
    }
  return true;
}

bool
queue_hold (Queue *queue, Entry *entry, const char *reason, GError **error)
{
  if (!entry_record_reason (entry, reason, error)
      || !move (queue, entry->id, ROOM_QUEUE, ROOM_HELD, error))
    return false;
  entry->held = true;
  return true;
}

Entry *
queue_enter (Queue *queue, Message *message, const Envelope *envelope,
             const char *account, const char *hold_reason, GError **error)
{
  g_autoptr (Entry) entry = g_new0 (Entry, 1);

  entry->fd = -1;
  entry->id = new_id ();
  entry->arrival = g_get_real_time () / G_USEC_PER_SEC;
  entry->account = g_strdup (account);
  entry->reason = g_strdup ("");
  copy_envelope (entry, envelope);
  if (!write_entry (entry, message, error))
    return NULL;
  /* The instant of acceptance: from here on the message is ours. */
  entry->fd = spool_commit (message->body, entry->id, error);
  if (entry->fd < 0)
    return NULL;
  entry->content.fd = entry->fd;
  if (hold_reason != NULL && !queue_hold (queue, entry, hold_reason, error))
    return NULL;
  return g_steal_pointer (&entry);
}

static void
sweep_orphan (Queue *queue, const char *name)
{
  struct stat st;

  if (g_str_has_prefix (name, ".tmp-")
      && fstatat (queue->rooms[ROOM_QUEUE], name, &st, AT_SYMLINK_NOFOLLOW)
             == 0
      && st.st_mtime < time (NULL) - ORPHAN_SECONDS)
    unlinkat (queue->rooms[ROOM_QUEUE], name, 0);
}

static int
compare_ids (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
queue_list (Queue *queue, GError **error)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = g_build_filename (
      queue->directory, room_names[ROOM_QUEUE], NULL);
  g_autoptr (GError) local = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &local);
  const char *name;

  if (dir == NULL)
    {
      g_set_error_literal (error, FAILURE, FAILURE_IO, local->message);
      return NULL;
    }
  while ((name = g_dir_read_name (dir)) != NULL)
    if (is_id (name))
      g_ptr_array_add (ids, g_strdup (name));
    else
      sweep_orphan (queue, name);
  g_ptr_array_sort (ids, compare_ids);
  return g_steal_pointer (&ids);
}

/* What stands in the way of a file being one of our entries; NULL: nothing. */
static const char *
strange (const struct stat *st)
{
  if (!S_ISREG (st->st_mode))
    return N_ ("it is not a plain file");
  if (st->st_uid != geteuid ())
    return N_ ("it belongs to another user");
  if ((st->st_mode & 077) != 0)
    return N_ ("it is open to other users");
  return NULL;
}

/* Out of the way, but not gone: a person may still make something of it. */
static void
set_aside (Queue *queue, const char *id, const char *why)
{
  g_autoptr (GError) error = NULL;

  if (move (queue, id, ROOM_QUEUE, ROOM_CORRUPT, &error))
    log_line (LOG_ERR, "id=%s fate=corrupt kept=%s/%s/%s text=\"%s\"", id,
              queue->directory, room_names[ROOM_CORRUPT], id, why);
  else
    log_line (LOG_ERR, "id=%s fate=corrupt text=\"%s\"", id, error->message);
}

static Entry *
reject (Queue *queue, const char *id, const char *why, GError **error)
{
  set_aside (queue, id, why);
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("%s/%s/%s is no queued message: %s; it was moved to %s"),
               queue->directory, room_names[ROOM_QUEUE], id, why,
               room_names[ROOM_CORRUPT]);
  return NULL;
}

/* Locks FD unless somebody else has it; then the name must still lead to it,
   for its last owner may have moved or removed it. */
static bool
lock_file (Queue *queue, int fd, const char *id, const struct stat *opened)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  struct stat st;

  return fcntl (fd, F_OFD_SETLK, &lock) == 0
         && fstatat (queue->rooms[ROOM_QUEUE], id, &st, AT_SYMLINK_NOFOLLOW)
                == 0
         && st.st_ino == opened->st_ino && st.st_dev == opened->st_dev;
}

/* Where the fates of all recipients together put the entry. */
static Settled
place (const Entry *entry)
{
  Settled where = SETTLED_GONE;

  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status == NULL || status->fate == FATE_DELAYED)
        return SETTLED_QUEUED;
      if (status->fate != FATE_RELAYED)
        where = SETTLED_HELD;
    }
  return where;
}

/* The first status that is not the relay's yes. */
static const char *
hold_text (const Entry *entry)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status->fate != FATE_RELAYED)
        return status->text;
    }
  return "";
}

static bool
remove_entry (Queue *queue, const Entry *entry, GError **error)
{
  if (unlinkat (queue->rooms[ROOM_QUEUE], entry->id, 0) == 0
      && fsync (queue->rooms[ROOM_QUEUE]) == 0)
    return true;
  failure_set_errno (error, FAILURE_IO, errno,
                     _ ("cannot remove the queue file %s"), entry->id);
  return false;
}

static bool
put (Queue *queue, Entry *entry, Settled where, GError **error)
{
  if (where == SETTLED_GONE)
    return remove_entry (queue, entry, error);
  if (where == SETTLED_HELD)
    return queue_hold (queue, entry, hold_text (entry), error);
  return true;
}

bool
queue_settle (Queue *queue, Entry *entry, const GArray *owed,
              const GPtrArray *statuses, Settled *where, GError **error)
{
  /* Before the entry moves, and before the session says QUIT: a recipient who
     has the message must never be sent it again. */
  if (!entry_record_statuses (entry, owed, statuses, error))
    return false;
  *where = place (entry);
  return put (queue, entry, *where, error);
}

/* A crash between the last record and the move it asks for. */
static bool
finish (Queue *queue, Entry *entry, GError **error)
{
  if (entry->reason[0] != '\0')
    return move (queue, entry->id, ROOM_QUEUE, ROOM_HELD, error);
  return put (queue, entry, place (entry), error);
}

static Entry *
finish_or_give (Queue *queue, Entry *entry, GError **error)
{
  if (entry->reason[0] == '\0' && place (entry) == SETTLED_QUEUED)
    return entry;
  (void) finish (queue, entry, error);
  entry_free (entry);
  return NULL;
}

Entry *
queue_lock (Queue *queue, const char *id, GError **error)
{
  g_autoptr (GError) local = NULL;
  struct stat st;
  Entry *entry;
  const char *why;
  int fd = openat (queue->rooms[ROOM_QUEUE], id,
                   O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

  if (fd < 0 && errno == ENOENT)
    return NULL;
  if (fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EISDIR))
    return reject (queue, id, _ ("it is not a plain file"), error);
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot open the queue file %s"), id);
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  why = strange (&st);
  if (why == NULL && !lock_file (queue, fd, id, &st))
    {
      close (fd);
      return NULL;
    }
  entry = why == NULL ? entry_read (fd, id, &local) : NULL;
  if (entry != NULL)
    return finish_or_give (queue, entry, error);
  close (fd);
  if (why == NULL && !g_error_matches (local, FAILURE, FAILURE_DATA))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  return reject (queue, id, why != NULL ? _ (why) : local->message, error);
}
