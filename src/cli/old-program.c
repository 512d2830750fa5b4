#include "cli/old-program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/child.h"
#include "base/failure.h"
#include "base/trusted.h"
#include "base/user.h"
#include "cli/import-esmtp.h"
#include "cli/import-msmtp.h"
#include "cli/import-nullmailer.h"
#include "cli/import-ssmtp.h"

#define EVALUATION (30 * 1000) /* milliseconds */
#define NAME_LENGTH 256        /* octets of a host's name */
#define MAIL_NAME "/etc/mailname"

Secret *
old_file_read (const char *path, bool *absent, GError **error)
{
  char *real = realpath (path, NULL);
  g_autoptr (Secret) octets = NULL;

  if (absent != NULL)
    *absent = real == NULL && (errno == ENOENT || errno == ENOTDIR);
  if (real != NULL)
    octets = trusted_read_secret (AT_FDCWD, real, path, 0, error);
  else if (absent == NULL || !*absent)
    failure_set_errno (error, FAILURE_CONFIG, errno, _ ("cannot read %s"),
                       path);
  free (real);
  if (octets == NULL
      || strlen (secret_octets (octets)) == secret_length (octets))
    return g_steal_pointer (&octets);
  g_set_error (error, FAILURE, FAILURE_CONFIG, _ ("%s is no text file"), path);
  return NULL;
}

/* The first line of FILE; NULL: there is none, or ERROR says why. */
static char *
first_line (const char *file, GError **error)
{
  bool absent = false;
  g_autoptr (Secret) octets = old_file_read (file, &absent, error);
  char *text;

  if (octets == NULL)
    return NULL;
  text = g_strndup (secret_octets (octets),
                    strcspn (secret_octets (octets), "\r\n"));
  if (*g_strstrip (text) != '\0')
    return text;
  g_free (text);
  return NULL;
}

static DraftText
text_of (const char *path, const Secret *octets)
{
  return (DraftText){ path, secret_octets (octets), secret_length (octets) };
}

/* Where one file is all there is. */
static bool
read_one (Draft *draft, const char *path,
          void (*read) (Draft *, const DraftText *), GError **error)
{
  g_autoptr (Secret) octets = old_file_read (path, NULL, error);
  DraftText text;

  if (octets == NULL)
    return false;
  text = text_of (path, octets);
  read (draft, &text);
  return true;
}

static bool
read_msmtp (Draft *draft, const char *path, GError **error)
{
  return read_one (draft, path, import_msmtp, error);
}

static bool
read_esmtp (Draft *draft, const char *path, GError **error)
{
  return read_one (draft, path, import_esmtp, error);
}

/* NAME beside the file PATH. It lives as long as DRAFT. */
static const char *
beside (Draft *draft, const char *path, const char *name)
{
  g_autofree char *directory = g_path_get_dirname (path);
  char *other = g_build_filename (directory, name, NULL);

  g_ptr_array_add (draft->paths, other);
  return other;
}

static bool
read_ssmtp (Draft *draft, const char *path, GError **error)
{
  const char *other = beside (draft, path, "revaliases");
  bool absent = false;
  g_autoptr (GError) cause = NULL;
  g_autoptr (Secret) conf = old_file_read (path, NULL, error);
  g_autoptr (Secret) revaliases =
      conf != NULL ? old_file_read (other, &absent, &cause) : NULL;
  DraftText texts[2];

  if (cause != NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  if (conf == NULL || (revaliases == NULL && !absent))
    return false;
  texts[0] = text_of (path, conf);
  if (revaliases != NULL)
    texts[1] = text_of (other, revaliases);
  import_ssmtp (draft, &texts[0], revaliases != NULL ? &texts[1] : NULL);
  return true;
}

/* The directory may be named, or its file `remotes'. */
static bool
read_nullmailer (Draft *draft, const char *path, GError **error)
{
  g_autofree char *inside = g_build_filename (path, "remotes", NULL);
  const char *remotes = g_file_test (path, G_FILE_TEST_IS_DIR)
                            ? beside (draft, inside, "remotes")
                            : path;
  g_autoptr (Secret) octets = old_file_read (remotes, NULL, error);
  NullmailerControls controls = { 0 };
  struct
  {
    const char *name;
    const char **value;
  } files[] = {
    { "me", &controls.me },
    { "defaulthost", &controls.default_host },
    { "defaultdomain", &controls.default_domain },
    { "adminaddr", &controls.admin_address },
    { "allmailfrom", &controls.all_mail_from },
    { "helohost", &controls.helo_host },
    { "queuelifetime", &controls.queue_lifetime },
  };
  DraftText text;

  if (octets == NULL)
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (GError) cause = NULL;
      char *line = first_line (beside (draft, remotes, files[i].name), &cause);

      if (cause != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&cause));
          return false;
        }
      *files[i].value = line;
      if (line != NULL)
        g_ptr_array_add (draft->paths, line);
    }
  text = text_of (remotes, octets);
  import_nullmailer (draft, &text, &controls);
  return true;
}

static const OldProgram programs[] = {
  { .name = "msmtp",
    .places = { "~/.msmtprc", "~config/msmtp/config", "/etc/msmtprc" },
    .read = read_msmtp,
    .also = "/etc/msmtprc",
    .netrc = true },
  { .name = "ssmtp",
    .places = { "/etc/ssmtp/ssmtp.conf" },
    .read = read_ssmtp },
  { .name = "nullmailer",
    .places = { "/etc/nullmailer" },
    .read = read_nullmailer },
  { .name = "esmtp",
    .places = { "~/.esmtprc", "/etc/esmtprc" },
    .read = read_esmtp },
};

const OldProgram *
old_program_find (const char *name, GError **error)
{
  g_autofree const char **names =
      g_new0 (const char *, G_N_ELEMENTS (programs) + 1);
  g_autofree char *all = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (programs); i++)
    if (strcmp (programs[i].name, name) == 0)
      return &programs[i];
    else
      names[i] = programs[i].name;
  all = g_strjoinv (", ", (char **) names);
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("`%s' cannot be imported from, but these can: %s"), name,
               all);
  return NULL;
}

static char *
expand_place (const char *place, const char *home)
{
  g_autofree char *config =
      user_directory ("XDG_CONFIG_HOME", home, ".config");

  if (place[0] == '/')
    return g_strdup (place);
  if (g_str_has_prefix (place, "~config/"))
    return config != NULL
               ? g_build_filename (config, strchr (place, '/'), NULL)
               : NULL;
  return home != NULL ? g_build_filename (home, place + 1, NULL) : NULL;
}

char *
old_program_file (const OldProgram *program, const char *home, GError **error)
{
  g_autoptr (GString) tried = g_string_new (NULL);

  for (size_t i = 0; program->places[i] != NULL; i++)
    {
      g_autofree char *path = expand_place (program->places[i], home);

      if (path != NULL && access (path, F_OK) == 0)
        return g_steal_pointer (&path);
      if (path != NULL)
        g_string_append_printf (tried, "%s%s", tried->len > 0 ? ", " : "",
                                path);
    }
  g_set_error (error, FAILURE, FAILURE_NO_INPUT,
               _ ("%s has no file here (%s): name it, as in `postrider import "
                  "%s FILE'"),
               program->name, tried->str, program->name);
  return NULL;
}

/* The world of the old programs */

static Secret *
evaluate (const char *command)
{
  const char *const argv[] = { "sh", "-c", command, NULL };

  return child_output (argv, SECRET_MAXIMUM, deadline_in (EVALUATION), NULL);
}

Draft *
old_program_read (const OldProgram *program, const char *path, GError **error)
{
  static DraftWorld world = { .evaluate = evaluate };
  static char host[NAME_LENGTH];
  g_autoptr (Draft) draft = NULL;

  if (gethostname (host, sizeof host - 1) != 0 || host[0] == '\0')
    (void) g_strlcpy (host, "localhost", sizeof host);
  world.user = user_name ();
  world.host = host;
  if (world.mail_name == NULL)
    world.mail_name = first_line (MAIL_NAME, NULL);
  draft = draft_new (&world);
  return program->read (draft, path, error) ? g_steal_pointer (&draft) : NULL;
}
