#include "account/edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "account/config.h"
#include "base/failure.h"
#include "base/text.h"
#include "base/trusted.h"

#define NEW_FILE_MODE 0600
#define TEMPORARY ".tmp-accounts-" /* then a random number in hexadecimal digits */
#define DIGITS 16
#define ACCESS_LIST "system.posix_acl_access"
#define LIST_MAXIMUM 4096 /* octets */

struct Edit
{
  char *file;
  char *home;     /* nullable */
  char *original; /* what was read; NULL: there is no file, or it is not for
                     edit_commit */
  bool stands_nowhere;
  GString *text;
  int dir;         /* prepared: the directory, locked; else -1 */
  char *name;      /* there */
  char *temporary; /* has the new text already */
};

/* What edit_prepare has made is gone. */
static void
withdraw (Edit *edit)
{
  if (edit->temporary != NULL)
    (void) unlinkat (edit->dir, edit->temporary, 0);
  if (edit->dir >= 0)
    close (edit->dir);
  edit->dir = -1;
  g_clear_pointer (&edit->temporary, g_free);
  g_clear_pointer (&edit->name, g_free);
}

void
edit_free (Edit *edit)
{
  withdraw (edit);
  g_free (edit->file);
  g_free (edit->home);
  g_free (edit->original);
  g_string_free (edit->text, TRUE);
  g_free (edit);
}

const char *
edit_file (const Edit *edit)
{
  return edit->file;
}

const char *
edit_text (const Edit *edit)
{
  return edit->text->str;
}

bool
edit_is_changed (const Edit *edit)
{
  return g_strcmp0 (edit->original, edit->text->str) != 0;
}

static Config *
parse (const Edit *edit)
{
  return config_parse (edit->file, edit->text->str, edit->text->len);
}

bool
edit_check (const Edit *edit, GError **error)
{
  return accounts_check (edit->file, edit->text->str, edit->text->len,
                         edit->home, error);
}

/* The octets of FILE as text. *ABSENT: it is not there, and that is no error.
 */
static char *
read_file (const char *file, bool *absent, GError **error)
{
  g_autoptr (GBytes) octets =
      trusted_read (file, CONFIG_FILE_MAXIMUM, FAILURE_CONFIG, absent, error);
  const char *text;
  size_t length;

  if (octets == NULL)
    return NULL;
  text = g_bytes_get_data (octets, &length);
  if (length == 0 || memchr (text, '\0', length) == NULL)
    return g_strndup (text, length);
  g_set_error (error, FAILURE, FAILURE_CONFIG, _ ("%s is no text file"), file);
  return NULL;
}

static Edit *
edit_new (char *file, const char *home, const char *text)
{
  Edit *edit = g_new0 (Edit, 1);

  edit->file = file;
  edit->home = g_strdup (home);
  edit->text = g_string_new (text);
  edit->dir = -1;
  return edit;
}

Edit *
edit_open_text (const char *file, const char *home, const char *text,
                GError **error)
{
  g_autoptr (Edit) edit = edit_new (g_strdup (file), home, text);

  edit->stands_nowhere = true;
  return edit_check (edit, error) ? g_steal_pointer (&edit) : NULL;
}

Edit *
edit_open (const char *file, const char *home, GError **error)
{
  g_autoptr (Edit) edit = NULL;
  g_autofree char *path =
      file != NULL ? g_strdup (file) : accounts_user_file (home);
  g_autofree char *text = NULL;
  bool absent = false;

  if (path == NULL)
    {
      g_set_error_literal (error, FAILURE, FAILURE_CONFIG,
                           _ ("this user has no home directory: name a file "
                              "with --accounts-file"));
      return NULL;
    }
  text = read_file (path, &absent, error);
  if (text == NULL && !absent)
    return NULL;
  edit = edit_new (g_steal_pointer (&path), home, text);
  edit->original = g_steal_pointer (&text);
  return edit_check (edit, error) ? g_steal_pointer (&edit) : NULL;
}

bool
edit_has (const Edit *edit, const char *section)
{
  g_autoptr (Config) config = parse (edit);

  return config_find_section (config, section) != NULL;
}

char *
edit_get (const Edit *edit, const char *section, const char *name)
{
  g_autoptr (Config) config = parse (edit);
  const ConfigSection *found = config_find_section (config, section);
  const ConfigEntry *entry = found != NULL ? config_find (found, name) : NULL;

  return entry != NULL ? g_strdup (entry->value) : NULL;
}

/* Changes */

/* Where line NUMBER (from 1) begins; behind the last one: the end. */
static size_t
line_start (const GString *text, int number)
{
  const char *at = text->str;

  while (--number > 0 && at != NULL)
    {
      at = strchr (at, '\n');
      if (at != NULL)
        at++;
    }
  return at != NULL ? (size_t) (at - text->str) : text->len;
}

/* As the file says VALUE: as it is, where the reader takes that for itself,
   else between quotes. */
static char *
write_value (const char *value)
{
  g_autofree char *line = g_strdup_printf ("[x]\nx = %s\n", value);
  g_autoptr (Config) config = config_parse ("", line, strlen (line));
  const ConfigSection *section = config_find_section (config, "x");
  const ConfigEntry *entry = config_find (section, "x");
  g_autoptr (GString) quoted = g_string_new ("\"");

  if (entry != NULL && g_strcmp0 (entry->value, value) == 0)
    return g_strdup (value);
  for (; *value != '\0'; value++)
    {
      if (*value == '"' || *value == '\\')
        g_string_append_c (quoted, '\\');
      g_string_append_c (quoted, *value);
    }
  g_string_append_c (quoted, '"');
  return g_string_free (g_steal_pointer (&quoted), FALSE);
}

/* The octets at AT that are the value of an entry. */
static size_t
value_length (const char *at, const ConfigEntry *entry)
{
  const char *end = at + 1;

  if (*at != '"')
    return strlen (entry->value);
  for (; *end != '"'; end++)
    if (*end == '\\')
      end++;
  return (size_t) (end + 1 - at);
}

static void
replace_value (GString *text, const ConfigEntry *entry, const char *value)
{
  const char *line = text->str + line_start (text, entry->line);
  const char *at = g_utf8_offset_to_pointer (line, entry->value_column - 1);
  size_t start = (size_t) (at - text->str);

  g_string_erase (text, (gssize) start, (gssize) value_length (at, entry));
  g_string_insert (text, (gssize) start, value);
}

static void
remove_line (GString *text, int number)
{
  size_t start = line_start (text, number);

  g_string_erase (text, (gssize) start,
                  (gssize) (line_start (text, number + 1) - start));
}

/* Behind the last setting of SECTION, and with its indentation. */
static void
add_setting (GString *text, const ConfigSection *section, const char *name,
             const char *value)
{
  int last = section->line;
  const char *before;
  g_autofree char *line = NULL;
  size_t at;

  for (size_t i = 0; i < section->entries->len; i++)
    {
      const ConfigEntry *entry = g_ptr_array_index (section->entries, i);

      last = MAX (last, entry->line);
    }
  before = text->str + line_start (text, last);
  line = g_strdup_printf ("%.*s%s = %s\n", (int) strspn (before, " \t"),
                          before, name, value);
  at = line_start (text, last + 1);
  if (at == text->len && text->str[at - 1] != '\n')
    {
      g_string_append_c (text, '\n');
      at++;
    }
  g_string_insert (text, (gssize) at, line);
}

/* An empty line sets off what comes next. */
static void
end_sections (GString *text)
{
  if (text->len > 0 && text->str[text->len - 1] != '\n')
    g_string_append_c (text, '\n');
  if (text->len > 0 && !g_str_has_suffix (text->str, "\n\n"))
    g_string_append_c (text, '\n');
}

static void
add_section (GString *text, const char *section)
{
  end_sections (text);
  g_string_append_printf (text, "[%s]\n", section);
}

static bool
refuse (const Edit *edit, const char *section, const char *name,
        GError **error)
{
  g_autofree char *shown = text_shown (section);

  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("%s: `%s' of section [%s] cannot be written: it, or the "
                  "section's name, has characters that this file may not "
                  "have, or is too long"),
               edit->file, name, shown);
  return false;
}

/* What was to be there is there, and nothing but that came with it: a value
   with line ends in it would be several settings. */
static bool
reads_back (const Edit *edit, const char *section, const char *name,
            const char *value)
{
  g_autoptr (Config) config = parse (edit);
  const ConfigSection *found = config_find_section (config, section);
  const ConfigEntry *entry = found != NULL ? config_find (found, name) : NULL;

  return config_check (config, NULL) && found != NULL && entry != NULL
         && g_strcmp0 (entry->value, value) == 0;
}

bool
edit_set (Edit *edit, const char *section, const char *name, const char *value,
          GError **error)
{
  g_autoptr (Config) config = parse (edit);
  const ConfigSection *found = config_find_section (config, section);
  const ConfigEntry *entry = found != NULL ? config_find (found, name) : NULL;
  g_autofree char *before = NULL;
  g_autofree char *written = NULL;

  g_assert (edit->dir < 0);
  if (value == NULL && entry != NULL)
    remove_line (edit->text, entry->line);
  if (value == NULL)
    return true;
  if (text_has_control (value) || text_has_control (section)
      || !g_utf8_validate (value, -1, NULL)
      || !g_utf8_validate (section, -1, NULL))
    return refuse (edit, section, name, error);
  before = g_strdup (edit->text->str);
  written = write_value (value);
  if (entry != NULL)
    replace_value (edit->text, entry, written);
  else
    {
      g_autoptr (Config) complete = NULL;

      if (found == NULL)
        add_section (edit->text, section);
      complete = parse (edit);
      found = config_find_section (complete, section);
      if (found != NULL)
        add_setting (edit->text, found, name, written);
    }
  if (reads_back (edit, section, name, value))
    return true;
  g_string_assign (edit->text, before);
  return refuse (edit, section, name, error);
}

void
edit_append (Edit *edit, const char *text)
{
  end_sections (edit->text);
  g_string_append (edit->text, text);
}

/* The file */

static void
set_unwritable (const char *path, int errnum, GError **error)
{
  failure_set_errno (error, FAILURE_IO, errnum, _ ("cannot write %s"), path);
}

/* The file's own directory, which is made where it is missing; -1: it cannot
 * be. */
static int
open_directory (const char *path, GError **error)
{
  int fd;

  if (g_mkdir_with_parents (path, 0700) != 0)
    {
      failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                         _ ("cannot make the directory %s"), path);
      return -1;
    }
  fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                       _ ("cannot open the directory %s"), path);
  return fd;
}

/* Whether the file is what edit_open read, or still not there. */
static bool
is_unchanged (const Edit *edit, GError **error)
{
  g_autoptr (GError) cause = NULL;
  bool absent = false;
  g_autofree char *now = read_file (edit->file, &absent, &cause);

  if (cause != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return false;
    }
  if (g_strcmp0 (now, edit->original) == 0)
    return true;
  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("%s was changed meanwhile, so nothing is written: try "
                  "again"),
               edit->file);
  return false;
}

static bool
write_all (int fd, const GString *text)
{
  size_t done = 0;
  ssize_t written = 0;

  while (done < text->len && written >= 0)
    {
      written = write (fd, text->str + done, text->len - done);
      if (written > 0)
        done += (size_t) written;
      else if (written < 0 && errno == EINTR)
        written = 0;
    }
  return done == text->len;
}

/* Where there is such a list the mode has its mask, and without it would let a group
   read what is not for it. */
static bool
keep_list (int from, int fd)
{
  char list[LIST_MAXIMUM];
  ssize_t length = fgetxattr (from, ACCESS_LIST, list, sizeof list);

  if (length >= 0)
    return fsetxattr (fd, ACCESS_LIST, list, (size_t) length, 0) == 0;
  if (errno != ENODATA)
    return errno == EOPNOTSUPP;
  /* The directory may have given it one. */
  (void) fremovexattr (fd, ACCESS_LIST);
  return true;
}

/* Who could read the file FROM still can, nobody else, and it belongs to whom it
   did. */
static bool
copy_rights (int from, int fd)
{
  struct stat old, new;

  return fstat (from, &old) == 0 && fstat (fd, &new) == 0
         && ((old.st_uid == new.st_uid && old.st_gid == new.st_gid)
             || fchown (fd, old.st_uid, old.st_gid) == 0)
         && keep_list (from, fd) && fchmod (fd, old.st_mode & 07777) == 0;
}

static bool
keep_rights (int dir, const char *name, int fd)
{
  int from = openat (dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  bool kept;
  int cause;

  if (from < 0)
    return errno == ENOENT;
  kept = copy_rights (from, fd);
  cause = errno;
  close (from);
  errno = cause;
  return kept;
}

/* The new text beside the file. False: errno says why. */
static bool
write_beside (Edit *edit)
{
  g_autofree char *name = g_strdup_printf (TEMPORARY "%08x%08x",
                                           g_random_int (), g_random_int ());
  int fd = openat (edit->dir, name,
                   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                   NEW_FILE_MODE);
  int cause;
  bool written;

  if (fd < 0)
    return false;
  edit->temporary = g_steal_pointer (&name);
  /* The rename is the instant at which the text counts; it must be on disk by
     then, or a power cut would leave an empty file in the old one's place. */
  written = write_all (fd, edit->text)
            && keep_rights (edit->dir, edit->name, fd) && fsync (fd) == 0;
  cause = errno;
  close (fd);
  errno = cause;
  return written;
}

/* Whether NAME in DIR is one that write_beside has made. */
static bool
is_temporary (int dir, const char *name)
{
  const char *digits = name + strlen (TEMPORARY);
  struct stat status;

  return g_str_has_prefix (name, TEMPORARY) && strlen (digits) == DIGITS
         && strspn (digits, "0123456789abcdef") == DIGITS
         && fstatat (dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0
         && S_ISREG (status.st_mode) && status.st_uid == getuid ();
}

/* What those left who were killed before the rename: as DIR is locked, nobody is at work
   on one. */
static void
remove_leftovers (int dir)
{
  int again = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *entries = again >= 0 ? fdopendir (again) : NULL;
  struct dirent *entry;

  while (entries != NULL && (entry = readdir (entries)) != NULL)
    if (is_temporary (dir, entry->d_name))
      (void) unlinkat (dir, entry->d_name, 0);
  if (entries != NULL)
    (void) closedir (entries);
  else if (again >= 0)
    close (again);
}

/* Where the file is, or is to be, once symbolic links are followed. */
static char *
real_path (const Edit *edit)
{
  char *real = edit->original != NULL ? realpath (edit->file, NULL) : NULL;
  char *path = g_strdup (real != NULL ? real : edit->file);

  free (real);
  return path;
}

bool
edit_may_write (const Edit *edit, GError **error)
{
  g_autofree char *path = real_path (edit);
  g_autofree char *directory = g_path_get_dirname (path);

  /* What is missing is made in the nearest directory that is there. */
  while (access (directory, W_OK | X_OK) != 0)
    {
      int cause = errno;
      char *parent = g_path_get_dirname (directory);
      bool is_last = strcmp (parent, directory) == 0;

      g_free (directory);
      directory = parent;
      if (cause == ENOENT && !is_last)
        continue;
      set_unwritable (path, cause, error);
      return false;
    }
  return true;
}

bool
edit_prepare (Edit *edit, GError **error)
{
  g_autofree char *path = real_path (edit);
  g_autofree char *directory = g_path_get_dirname (path);
  bool locked;

  g_assert (!edit->stands_nowhere && edit->dir < 0);
  if (!edit_check (edit, error))
    return false;
  edit->dir = open_directory (directory, error);
  if (edit->dir < 0)
    return false;
  edit->name = g_path_get_basename (path);
  /* Of two that change it, the second sees what the first one wrote. */
  locked = flock (edit->dir, LOCK_EX) == 0;
  if (locked)
    remove_leftovers (edit->dir);
  if (!locked && errno != ENOLCK && errno != EOPNOTSUPP)
    set_unwritable (path, errno, error);
  else if (is_unchanged (edit, error))
    {
      if (write_beside (edit))
        return true;
      set_unwritable (path, errno, error);
    }
  withdraw (edit);
  return false;
}

bool
edit_commit (Edit *edit, GError **error)
{
  bool done = false;

  if (edit->dir < 0 && !edit_prepare (edit, error))
    return false;
  /* Editors take no lock. */
  if (is_unchanged (edit, error))
    {
      done = renameat (edit->dir, edit->temporary, edit->dir, edit->name) == 0;
      if (!done)
        set_unwritable (edit->file, errno, error);
    }
  if (done)
    {
      (void) fsync (edit->dir);
      g_clear_pointer (&edit->temporary, g_free);
      g_free (edit->original);
      edit->original = g_strdup (edit->text->str);
    }
  withdraw (edit);
  return done;
}
