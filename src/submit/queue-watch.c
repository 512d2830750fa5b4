#include "submit/queue-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "submit/wake.h"

#define ID_LENGTH 16

/* More than so many at once are as well looked for in the directory. */
#define IDS_MAXIMUM 4096

/* What is at work on new messages at the same time. */
#define OPEN_MAXIMUM 4096

struct QueueWatch
{
  int fd;
  int room;    /* descriptor of queue/, O_PATH */
  char *name;  /* its name in the directory above */
  int entries; /* watch descriptors */
  int accounts;
  int above;
  GPtrArray *ids;   /* of char *, in the order of the events */
  GHashTable *set;  /* of the same, each once */
  GHashTable *open; /* "#INODE" -> identifier: made and not closed yet */
  unsigned unseen;  /* such that were gone before their inode could be seen */
};

static int
add_watch (const QueueWatch *watch, const char *path, uint32_t mask,
           GError **error)
{
  int descriptor = inotify_add_watch (watch->fd, path, mask | IN_ONLYDIR);

  if (descriptor < 0)
    failure_set_errno (error, FAILURE_OS, errno, _ ("cannot watch %s"), path);
  return descriptor;
}

static bool
add_watches (QueueWatch *watch, Queue *queue, GError **error)
{
  const char *room = queue_room_path (queue, ROOM_QUEUE);
  g_autofree char *above = g_path_get_dirname (room);

  watch->name = g_path_get_basename (room);
  watch->room = open (room, O_PATH | O_DIRECTORY | O_CLOEXEC);
  watch->entries = add_watch (watch, room,
                              IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE
                                  | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF,
                              error);
  if (watch->entries < 0)
    return false;
  watch->accounts = add_watch (watch, queue_accounts_path (queue),
                               IN_MOVED_TO | IN_DELETE, error);
  if (watch->accounts < 0)
    return false;
  /* Whoever holds a directory open, as we do, is not told by the directory
     itself that it was removed. */
  watch->above = add_watch (watch, above, IN_DELETE | IN_MOVED_FROM, error);
  return watch->above >= 0;
}

QueueWatch *
queue_watch_new (Queue *queue, GError **error)
{
  g_autoptr (QueueWatch) watch = g_new0 (QueueWatch, 1);

  watch->room = -1;
  watch->ids = g_ptr_array_new_with_free_func (g_free);
  watch->set = g_hash_table_new (g_str_hash, g_str_equal);
  watch->open =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  watch->fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  if (watch->fd < 0)
    {
      failure_set_errno (error, FAILURE_OS, errno, _ ("cannot watch files"));
      return NULL;
    }
  return add_watches (watch, queue, error) ? g_steal_pointer (&watch) : NULL;
}

void
queue_watch_free (QueueWatch *watch)
{
  if (watch == NULL)
    return;
  if (watch->fd >= 0)
    close (watch->fd);
  if (watch->room >= 0)
    close (watch->room);
  g_free (watch->name);
  g_hash_table_unref (watch->open);
  g_hash_table_unref (watch->set);
  g_ptr_array_unref (watch->ids);
  g_free (watch);
}

int
queue_watch_fd (const QueueWatch *watch)
{
  return watch->fd;
}

GPtrArray *
queue_watch_ids (QueueWatch *watch)
{
  GPtrArray *ids = watch->ids;

  g_hash_table_remove_all (watch->set);
  watch->ids = g_ptr_array_new_with_free_func (g_free);
  return ids;
}

static bool
is_id (const char *name)
{
  return strlen (name) == ID_LENGTH
         && strspn (name, "0123456789ABCDEF") == ID_LENGTH;
}

static unsigned
report (QueueWatch *watch, const char *id)
{
  char *copy;

  if (g_hash_table_contains (watch->set, id))
    return WAKE_QUEUE;
  if (watch->ids->len == IDS_MAXIMUM)
    {
      g_ptr_array_unref (queue_watch_ids (watch));
      return WAKE_ALL;
    }
  copy = g_strdup (id);
  g_ptr_array_add (watch->ids, copy);
  g_hash_table_add (watch->set, copy);
  return WAKE_QUEUE;
}

static void
remember (QueueWatch *watch, const char *id)
{
  struct stat status;

  if (fstatat (watch->room, id, &status, AT_SYMLINK_NOFOLLOW) < 0)
    watch->unseen++;
  else if (g_hash_table_size (watch->open) < OPEN_MAXIMUM)
    g_hash_table_replace (watch->open,
                          g_strdup_printf ("#%ju", (uintmax_t) status.st_ino),
                          g_strdup (id));
}

/* A file was closed that got its name, if any, after it was made. One that
 * nobody knows may be any entry: made before we watched, or on a file system
 * that has two numbers for it. Except for those that were made and removed
 * before their number could be seen: of these, each closing is expected, and
 * none matters. */
static unsigned
closed_unnamed (QueueWatch *watch, const char *name)
{
  const char *id = g_hash_table_lookup (watch->open, name);
  unsigned reasons;

  if (id == NULL && watch->unseen > 0)
    {
      watch->unseen--;
      return 0;
    }
  if (id == NULL)
    return WAKE_ALL;
  reasons = report (watch, id);
  g_hash_table_remove (watch->open, name);
  return reasons;
}

static unsigned
entry_event (QueueWatch *watch, const struct inotify_event *event,
             const char *name)
{
  if (is_id (name))
    {
      if ((event->mask & IN_CREATE) != 0)
        remember (watch, name);
      return report (watch, name);
    }
  if ((event->mask & IN_CLOSE_WRITE) != 0)
    return closed_unnamed (watch, name);
  return 0;
}

static unsigned
judge (QueueWatch *watch, const struct inotify_event *event)
{
  const char *name = event->len > 0 ? event->name : "";

  if ((event->mask & IN_Q_OVERFLOW) != 0)
    {
      g_hash_table_remove_all (watch->open);
      watch->unseen = 0;
      return WAKE_ALL;
    }
  if (event->wd == watch->above)
    return strcmp (name, watch->name) == 0 ? WAKE_GONE : 0;
  if (event->wd == watch->accounts)
    return name[0] == '\0' || g_str_has_prefix (name, ".tmp-")
                   || g_str_has_suffix (name, ".lock")
               ? 0
               : WAKE_ALL;
  if ((event->mask & (IN_DELETE_SELF | IN_UNMOUNT)) != 0)
    return WAKE_GONE;
  return entry_event (watch, event, name);
}

unsigned
queue_watch_read (QueueWatch *watch)
{
  union
  {
    struct inotify_event event; /* for its alignment */
    char octets[64 * (sizeof (struct inotify_event) + NAME_MAX + 1)];
  } buffer;
  unsigned reasons = 0;
  ssize_t size;

  while ((size = read (watch->fd, &buffer, sizeof (buffer))) > 0
         || (size < 0 && errno == EINTR))
    for (ssize_t at = 0; at < size;)
      {
        const struct inotify_event *event =
            (const struct inotify_event *) (buffer.octets + at);

        reasons |= judge (watch, event);
        at += (ssize_t) (sizeof (*event) + event->len);
      }
  return reasons;
}
