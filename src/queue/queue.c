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
#define ROOT_DIRECTORY "/var/spool/postrider"
#define COMMON_PLACE "/var/spool/postrider-users"
#define ORPHAN_SECONDS (36 * 60 * 60)

#define ID_LENGTH 16
#define ACCOUNTS "accounts"
#define RUNNER_LOCK "runner.lock"

static const char *const room_names[N_ROOMS] = {
  [ROOM_QUEUE] = "queue",
  [ROOM_HELD] = "held",
  [ROOM_CORRUPT] = "corrupt",
};

struct Queue
{
  char *directory;
  int top;
  int rooms[N_ROOMS];
  char *paths[N_ROOMS];
  int accounts;
  char *accounts_path;
};

static void
close_if_open (int fd)
{
  if (fd >= 0)
    close (fd);
}

void
queue_free (Queue *queue)
{
  if (queue == NULL)
    return;
  for (int i = 0; i < N_ROOMS; i++)
    {
      close_if_open (queue->rooms[i]);
      g_free (queue->paths[i]);
    }
  close_if_open (queue->accounts);
  close_if_open (queue->top);
  g_free (queue->accounts_path);
  g_free (queue->directory);
  g_free (queue);
}

const char *
queue_room_path (const Queue *queue, Room room)
{
  return queue->paths[room];
}

const char *
queue_accounts_path (const Queue *queue)
{
  return queue->accounts_path;
}

int
queue_accounts_fd (const Queue *queue)
{
  return queue->accounts;
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
                      "%u): move it away, or run `chown -R %u %s' as root"),
                   path, (unsigned) st.st_uid, (unsigned) geteuid (), path);
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
/* NOLINTNEXTLINE(misc-no-recursion): as deep as our own path has names */
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

/* NAME below the queue's directory, made where it is absent. */
static int
open_below (const Queue *queue, const char *name, char **path, GError **error)
{
  int cause;
  bool absent;

  *path = g_build_filename (queue->directory, name, NULL);
  cause = mkdirat (queue->top, name, 0700) == 0 ? 0 : errno;
  if (cause == 0)
    (void) fsync (queue->top);
  absent = cause != 0
           && faccessat (queue->top, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
  if (absent)
    {
      failure_set_errno (error, FAILURE_CANNOT_CREATE, cause,
                         _ ("cannot make the queue directory %s"), *path);
      return -1;
    }
  return open_directory (queue->top, name, *path, error);
}

static bool
open_rooms (Queue *queue, GError **error)
{
  for (int i = 0; i < N_ROOMS; i++)
    {
      queue->rooms[i]
          = open_below (queue, room_names[i], &queue->paths[i], error);
      if (queue->rooms[i] < 0)
        return false;
    }
  queue->accounts
      = open_below (queue, ACCOUNTS, &queue->accounts_path, error);
  return queue->accounts >= 0;
}

Queue *
queue_open (const char *directory, GError **error)
{
  g_autoptr (Queue) queue = g_new0 (Queue, 1);

  queue->directory = g_strdup (directory);
  queue->top = queue->accounts = -1;
  for (int i = 0; i < N_ROOMS; i++)
    queue->rooms[i] = -1;
  if (!make_path (directory))
    {
      failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                         _ ("cannot make the queue directory %s"), directory);
      return NULL;
    }
  queue->top = open_directory (AT_FDCWD, directory, directory, error);
  if (queue->top < 0 || !open_rooms (queue, error))
    return NULL;
  return g_steal_pointer (&queue);
}

/* Where daemons without a home directory of their own have their queues, each made
   by its user. Everybody may make one there, and nobody remove another's. */
static bool
is_common_place (const char *path)
{
  struct stat status;

  return lstat (path, &status) == 0 && S_ISDIR (status.st_mode)
         && status.st_uid == 0 && (status.st_mode & S_ISVTX) != 0;
}

static char *
own_directory (const char *home)
{
  bool root = geteuid () == 0;
  g_autofree char *state = user_directory (
      "XDG_STATE_HOME", root ? NULL : home, ".local/state");

  if (state != NULL)
    return g_build_filename (state, "postrider", NULL);
  if (root)
    return g_strdup (ROOT_DIRECTORY);
  return is_common_place (COMMON_PLACE)
             ? g_strdup_printf (COMMON_PLACE "/%ju", (uintmax_t) geteuid ())
             : NULL;
}

Queue *
queue_open_own (const char *home, GError **error)
{
  g_autofree char *directory = own_directory (home);

  if (directory != NULL)
    return queue_open (directory, error);
  g_set_error (error, FAILURE, FAILURE_CANNOT_CREATE,
               _ ("user %s has no home directory, so there is no place for a "
                  "queue; let root run `install -d -m 1733 %s'"),
               user_name (), COMMON_PLACE);
  return NULL;
}

Spool *
queue_spool (Queue *queue, uint64_t reserve)
{
  Spool *spool = spool_new (queue->rooms[ROOM_QUEUE], ENTRY_PREAMBLE);

  spool_keep_free (spool, reserve);
  return spool;
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
    envelope_add_wish (entry->envelope, envelope->forward_paths->pdata[i],
                       envelope_wish (envelope, i));
  entry->statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);
  g_ptr_array_set_size (entry->statuses,
                        (int) envelope->forward_paths->len);
  entry->told = g_array_new (FALSE, TRUE, sizeof (bool));
  g_array_set_size (entry->told, envelope->forward_paths->len);
}

static bool
is_ascii (const GString *text)
{
  for (size_t i = 0; i < text->len; i++)
    if ((unsigned char) text->str[i] > 127)
      return false;
  return true;
}

/* In the file from the beginning, so that nobody ever takes the message for one
   to be sent. */
static bool
write_reason (Entry *entry, Message *message, const char *reason,
              GError **error)
{
  g_autoptr (GString) record = entry_reason_text (reason, entry->arrival);

  entry_note_reason (entry, reason, entry->arrival);
  entry->end += record->len;
  return spool_append (message->body, record->str, record->len, error);
}

/* Header and envelope behind the body, then what they come to in front. */
static bool
write_entry (Entry *entry, Message *message, const char *hold_reason,
             GError **error)
{
  g_autoptr (GString) header = header_to_string (message->header);
  g_autoptr (GString) envelope = NULL;
  g_autofree char *preamble = NULL;
  uint64_t body = spool_size (message->body);

  entry->content.body = (Segment){ ENTRY_PREAMBLE, body };
  entry->content.header = (Segment){ ENTRY_PREAMBLE + body, header->len };
  entry->content.header_utf8 = !is_ascii (header) || message->nested_utf8;
  entry->content.eight_bit
      = message->body_8bit || entry->content.header_utf8;
  envelope = entry_envelope_text (entry);
  entry->end = ENTRY_PREAMBLE + body + header->len + envelope->len;
  if (envelope->len > ENTRY_ENVELOPE_MAXIMUM)
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA,
                           _ ("the message has too many recipients"));
      return false;
    }
  if (!spool_append (message->body, header->str, header->len, error)
      || !spool_append (message->body, envelope->str, envelope->len, error))
    return false;
  preamble = entry_preamble (body, header->len, envelope->len,
                             spool_crc (message->body));
  if (hold_reason != NULL
      && !write_reason (entry, message, hold_reason, error))
    return false;
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
  if (!entry_record_reason (entry, reason,
                            g_get_real_time () / G_USEC_PER_SEC, error)
      || !move (queue, entry->id, ROOM_QUEUE, ROOM_HELD, error))
    return false;
  entry->held = true;
  return true;
}

bool
queue_release (Queue *queue, Entry *entry, GError **error)
{
  /* In this order: after a crash in between, the reason is still there, and
     queue_lock takes the entry back to held/. */
  if (!move (queue, entry->id, ROOM_HELD, ROOM_QUEUE, error))
    return false;
  entry->held = false;
  if (entry_record_release (entry, g_get_real_time () / G_USEC_PER_SEC,
                            error))
    return true;
  entry->held = move (queue, entry->id, ROOM_QUEUE, ROOM_HELD, NULL);
  return false;
}

static bool
remove_file (Queue *queue, Room room, const char *id, GError **error)
{
  if (unlinkat (queue->rooms[room], id, 0) == 0
      && fsync (queue->rooms[room]) == 0)
    return true;
  failure_set_errno (error, FAILURE_IO, errno,
                     _ ("cannot remove the queue file %s"), id);
  return false;
}

bool
queue_remove (Queue *queue, Entry *entry, GError **error)
{
  return remove_file (queue, entry->held ? ROOM_HELD : ROOM_QUEUE, entry->id,
                      error);
}

bool
queue_discard (Queue *queue, const char *id, GError **error)
{
  return remove_file (queue, ROOM_CORRUPT, id, error);
}

Entry *
queue_enter (Queue *queue, Message *message, const QueueRequest *request,
             GError **error)
{
  g_autoptr (Entry) entry = g_new0 (Entry, 1);

  entry->fd = -1;
  entry->id = new_id ();
  entry->arrival = g_get_real_time () / G_USEC_PER_SEC;
  entry->waited_until = entry->arrival;
  entry->notification = request->notification;
  entry->as_given = request->as_given;
  entry->account = g_strdup (request->account);
  entry->reason = g_strdup ("");
  copy_envelope (entry, request->envelope);
  if (!write_entry (entry, message, request->hold_reason, error))
    return NULL;
  /* The instant of acceptance: from here on the message is ours. */
  entry->fd = spool_commit (message->body, entry->id, error);
  if (entry->fd < 0)
    return NULL;
  entry->content.fd = entry->fd;
  if (request->hold_reason == NULL)
    return g_steal_pointer (&entry);
  entry->held = move (queue, entry->id, ROOM_QUEUE, ROOM_HELD, error);
  if (entry->held)
    return g_steal_pointer (&entry);
  /* The caller is told that nothing is kept. */
  (void) queue_remove (queue, entry, NULL);
  return NULL;
}

static struct flock
whole_file (short type)
{
  return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

/* A job may keep its end of the pipe open for days: then the file is locked. */
static bool
is_orphan (int fd)
{
  struct flock lock = whole_file (F_WRLCK);
  struct stat st;

  return fd >= 0 && fstat (fd, &st) == 0
         && st.st_mtime < time (NULL) - ORPHAN_SECONDS
         && fcntl (fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

static void
sweep_orphan (int directory, const char *name)
{
  int fd;

  if (!g_str_has_prefix (name, ".tmp-"))
    return;
  fd = openat (directory, name,
               O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (is_orphan (fd))
    unlinkat (directory, name, 0);
  close_if_open (fd);
}

void
queue_sweep_accounts (Queue *queue)
{
  g_autoptr (GDir) dir = g_dir_open (queue->accounts_path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    sweep_orphan (queue->accounts, name);
}

static int
compare_ids (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The next entry of DIR; NULL: there is none. Other names are looked at in
   passing. */
static const char *
next_id (Queue *queue, Room room, GDir *dir)
{
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL && !is_id (name))
    if (room == ROOM_QUEUE)
      sweep_orphan (queue->rooms[room], name);
  return name;
}

static GDir *
open_list (Queue *queue, Room room, GError **error)
{
  g_autoptr (GError) local = NULL;
  GDir *dir = g_dir_open (queue->paths[room], 0, &local);

  if (dir == NULL)
    g_set_error_literal (error, FAILURE, FAILURE_IO, local->message);
  return dir;
}

GPtrArray *
queue_list (Queue *queue, Room room, GError **error)
{
  g_autoptr (GPtrArray) ids = NULL;
  g_autoptr (GDir) dir = open_list (queue, room, error);
  const char *name;

  if (dir == NULL)
    return NULL;
  ids = g_ptr_array_new_with_free_func (g_free);
  while ((name = next_id (queue, room, dir)) != NULL)
    g_ptr_array_add (ids, g_strdup (name));
  g_ptr_array_sort (ids, compare_ids);
  return g_steal_pointer (&ids);
}

bool
queue_is_empty (Queue *queue)
{
  g_autoptr (GDir) dir = open_list (queue, ROOM_QUEUE, NULL);

  return dir != NULL && next_id (queue, ROOM_QUEUE, dir) == NULL;
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
static Entry *
reject (Queue *queue, Room room, const char *id, const char *why,
        GError **error)
{
  g_autoptr (GError) unmoved = NULL;

  if (move (queue, id, room, ROOM_CORRUPT, &unmoved))
    {
      log_line (LOG_ERR, "id=%s fate=corrupt kept=%s/%s text=\"%s\"", id,
                queue->paths[ROOM_CORRUPT], id, why);
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("%s/%s is no queued message: %s; it was moved to %s"),
                   queue->paths[room], id, why, room_names[ROOM_CORRUPT]);
      return NULL;
    }
  log_line (LOG_ERR, "id=%s fate=corrupt text=\"%s\"", id, unmoved->message);
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("%s/%s is no queued message: %s; move it away"),
               queue->paths[room], id, why);
  return NULL;
}

/* Locks FD unless somebody else has it (*BUSY); then the name must still lead to
   it, for its last owner may have moved or removed it. */
static bool
lock_file (Queue *queue, Room room, int fd, const char *id,
           const struct stat *opened, bool *busy, GError **error)
{
  struct flock lock = whole_file (F_WRLCK);
  bool locked = fcntl (fd, F_OFD_SETLK, &lock) == 0;
  struct stat st;

  *busy = !locked && (errno == EAGAIN || errno == EACCES);
  if (!locked && !*busy)
    failure_set_errno (error, FAILURE_IO, errno,
                       _ ("cannot lock the queue file %s"), id);
  return locked
         && fstatat (queue->rooms[room], id, &st, AT_SYMLINK_NOFOLLOW) == 0
         && st.st_ino == opened->st_ino && st.st_dev == opened->st_dev;
}

Settled
queue_place (const Entry *entry)
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

/* With STATUSES for what is owed, nobody but the relay has anything left to do. */
static bool
all_relayed (const Entry *entry, const GPtrArray *statuses)
{
  size_t relayed = 0;

  for (size_t i = 0; i < statuses->len; i++)
    if (((const Status *) statuses->pdata[i])->fate != FATE_RELAYED)
      return false;
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      relayed += status != NULL && status->fate == FATE_RELAYED;
    }
  return relayed + statuses->len == entry->statuses->len;
}

bool
queue_settle (Queue *queue, Entry *entry, const GArray *owed,
              const GPtrArray *statuses, Settled *where, GError **error)
{
  g_autoptr (GError) local = NULL;

  /* Before the entry moves, and before the session says QUIT: a recipient who
     has the message must never be sent it again. */
  if (entry_record_statuses (entry, owed, statuses, &local))
    {
      *where = queue_place (entry);
      return *where != SETTLED_GONE || queue_remove (queue, entry, error);
    }
  /* A full disk takes no record, but lets the file go. */
  *where = SETTLED_GONE;
  if (all_relayed (entry, statuses))
    return queue_remove (queue, entry, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return false;
}

/* A crash between the last record and the move it asks for. True: ENTRY belongs
   elsewhere, and is there now if that could be done. */
static bool
finish (Queue *queue, Entry *entry, GError **error)
{
  if (entry->reason[0] != '\0')
    (void) move (queue, entry->id, ROOM_QUEUE, ROOM_HELD, error);
  else if (queue_place (entry) == SETTLED_GONE)
    (void) queue_remove (queue, entry, error);
  else
    return false;
  return true;
}

/* A file of ROOM, opened with FLAGS. -1 with no error: it is gone. *STRANGE: what
   it is instead of one of ours. */
static int
open_entry (Queue *queue, Room room, const char *id, int flags,
            struct stat *st, const char **strange_file, GError **error)
{
  int fd = openat (queue->rooms[room], id,
                   flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  const char *what = NULL;

  *strange_file = NULL;
  if (fd < 0 && errno == ENOENT)
    return -1;
  if (fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EISDIR))
    {
      *strange_file = _ ("it is not a plain file");
      return -1;
    }
  if (fd < 0 && errno == EACCES
      && fstatat (queue->rooms[room], id, st, AT_SYMLINK_NOFOLLOW) == 0)
    {
      what = strange (st);
      if (what != NULL)
        {
          *strange_file = _ (what);
          return -1;
        }
    }
  if (fd < 0 || fstat (fd, st) < 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot open the queue file %s"), id);
      close_if_open (fd);
      return -1;
    }
  what = strange (st);
  if (what != NULL)
    *strange_file = _ (what);
  return fd;
}

/* A held entry without a reason was taken back when nothing could be recorded. */
static void
note_room (Entry *entry, Room room)
{
  struct stat st;

  entry->held = room == ROOM_HELD;
  if (entry->held && entry->held_since == 0 && fstat (entry->fd, &st) == 0)
    entry->held_since = st.st_ctime;
}

/* Reads what is locked, and sets aside what is no entry. FD is closed unless it
   becomes an entry's. */
static Entry *
read_locked (Queue *queue, Room room, const char *id, int fd, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (Entry) entry = entry_read (fd, id, true, &local);

  if (entry == NULL)
    {
      close (fd);
      if (g_error_matches (local, FAILURE, FAILURE_DATA))
        return reject (queue, room, id, local->message, error);
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  note_room (entry, room);
  if (room == ROOM_QUEUE && finish (queue, entry, error))
    return NULL;
  return g_steal_pointer (&entry);
}

Entry *
queue_lock (Queue *queue, Room room, const char *id, bool *busy,
            GError **error)
{
  struct stat st;
  const char *strange_file;
  bool locked_elsewhere = false;
  int fd = open_entry (queue, room, id, O_RDWR, &st, &strange_file, error);

  if (busy != NULL)
    *busy = false;
  if (strange_file != NULL)
    {
      close_if_open (fd);
      return reject (queue, room, id, strange_file, error);
    }
  if (fd < 0)
    return NULL;
  if (!lock_file (queue, room, fd, id, &st, &locked_elsewhere, error))
    {
      close (fd);
      if (busy != NULL)
        *busy = locked_elsewhere;
      return NULL;
    }
  return read_locked (queue, room, id, fd, error);
}

Entry *
queue_adopt (Queue *queue, const char *id, int fd, GError **error)
{
  int copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  bool busy;
  struct stat st;

  if (copy < 0)
    {
      failure_set_errno (error, FAILURE_OS, errno,
                         _ ("cannot open the queue file %s"), id);
      return NULL;
    }
  if (is_id (id) && (fcntl (copy, F_GETFL) & O_ACCMODE) == O_RDWR
      && fstat (copy, &st) == 0 && strange (&st) == NULL
      && lock_file (queue, ROOM_QUEUE, copy, id, &st, &busy, error))
    return read_locked (queue, ROOM_QUEUE, id, copy, error);
  close (copy);
  return NULL;
}

Entry *
queue_view (Queue *queue, Room room, const char *id, GError **error)
{
  struct stat st;
  const char *strange_file;
  int fd = open_entry (queue, room, id, O_RDONLY, &st, &strange_file, error);
  Entry *entry;

  if (strange_file != NULL)
    {
      close_if_open (fd);
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("%s/%s is no queued message: %s"), queue->paths[room],
                   id, strange_file);
      return NULL;
    }
  if (fd < 0)
    return NULL;
  entry = entry_read (fd, id, false, error);
  if (entry == NULL)
    close (fd);
  else
    note_room (entry, room);
  return entry;
}

bool
queue_is_busy (Queue *queue, const Entry *view)
{
  struct flock lock = whole_file (F_WRLCK);

  return fcntl (view->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

struct QueueCancel
{
  int fd;
  int from, to;
  char *id;
  GString *record;
  off_t end;
};

QueueCancel *
queue_prepare_cancel (Queue *queue, const Entry *entry, const char *reason)
{
  QueueCancel *cancel = g_new0 (QueueCancel, 1);

  cancel->fd = entry->fd;
  cancel->from = queue->rooms[ROOM_QUEUE];
  cancel->to = queue->rooms[ROOM_HELD];
  cancel->id = g_strdup (entry->id);
  cancel->record = entry_reason_text (
      reason, g_get_real_time () / G_USEC_PER_SEC);
  cancel->end = (off_t) entry->end;
  return cancel;
}

/* Async-signal-safe calls only. Where the record cannot be written, the move alone
   keeps the message from being sent. */
void
queue_cancel (const QueueCancel *cancel)
{
  (void) !pwrite (cancel->fd, cancel->record->str, cancel->record->len,
                  cancel->end);
  (void) fdatasync (cancel->fd);
  (void) renameat (cancel->from, cancel->id, cancel->to, cancel->id);
  (void) fsync (cancel->to);
  (void) fsync (cancel->from);
}

void
queue_cancel_free (QueueCancel *cancel)
{
  if (cancel == NULL)
    return;
  g_free (cancel->id);
  g_string_free (cancel->record, TRUE);
  g_free (cancel);
}

static int
open_runner_lock (const Queue *queue, GError **error)
{
  int fd = openat (queue->top, RUNNER_LOCK,
                   O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                   0600);

  if (fd < 0)
    failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                       _ ("cannot open %s/%s"), queue->directory, RUNNER_LOCK);
  return fd;
}

int
queue_lock_runner (Queue *queue, bool wait, GError **error)
{
  struct flock lock = whole_file (F_WRLCK);
  int fd = open_runner_lock (queue, error);
  int locked;

  if (fd < 0)
    return -1;
  do
    locked = fcntl (fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
  while (locked < 0 && errno == EINTR);
  if (locked == 0)
    return fd;
  if (errno != EAGAIN && errno != EACCES)
    failure_set_errno (error, FAILURE_IO, errno, _ ("cannot lock %s/%s"),
                       queue->directory, RUNNER_LOCK);
  close (fd);
  return -1;
}

bool
queue_has_runner (Queue *queue)
{
  struct flock lock = whole_file (F_WRLCK);
  int fd = open_runner_lock (queue, NULL);
  bool locked = fd >= 0 && fcntl (fd, F_OFD_GETLK, &lock) == 0
                && lock.l_type != F_UNLCK;

  close_if_open (fd);
  return locked;
}
