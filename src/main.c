/* main.c - the ground under everything else, then the personality that argv[0]
 * or argv[1] names. The only place that ends the process. */

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gi18n.h>

#include "account/keyring.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "cli/accounts.h"
#include "cli/check.h"
#include "cli/import.h"
#include "cli/log.h"
#include "cli/mailq.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/queue.h"
#include "cli/run.h"
#include "cli/sendmail.h"
#include "cli/setup.h"
#include "cli/version.h"
#include "submit/report.h"

typedef struct
{
  const char *name;
  int (*main) (int argc, char **argv);
  const char *help;
} Command;

static const Command commands[] = {
  { "setup", setup_main, N_ ("make an account, and try it") },
  { "sendmail", sendmail_main, N_ ("send a message from standard input") },
  { "check", check_main, N_ ("try whether mail would leave, and send none") },
  { "password", password_main, N_ ("store or forget an account's password") },
  { "accounts", accounts_main, N_ ("show what counts for each account, and why") },
  { "import", import_main, N_ ("take over the accounts of another program") },
  { "queue", queue_main, N_ ("list what waits or is held, and decide about it") },
  { "mailq", mailq_main, N_ ("list it as other programs read it") },
  { "newaliases", newaliases_main, N_ ("check the aliases file") },
  { "run", run_main, N_ ("send what waits in the queue") },
  { "log", log_main, N_ ("show what was sent, and what the relay said") },
};

/* What others call it. */
static const Command personalities[] = {
  { "sendmail", sendmail_main, NULL },
  { "send-mail", sendmail_main, NULL },
  { "mailq", mailq_main, NULL },
  { "newaliases", newaliases_main, NULL },
};

/* Mail programs leave all kinds of things behind for their children: closed
   standard descriptors (a queue file would become number 1 and be printed into),
   leaked ones, ignored and blocked signals, odd masks. */
static void
sanitise_descriptors (void)
{
  /* A stdin that was closed stays unreadable, so that its reader can tell. */
  if (fcntl (STDIN_FILENO, F_GETFD) < 0 && errno == EBADF)
    (void) open ("/dev/null", O_WRONLY);
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl (fd, F_GETFD) < 0 && errno == EBADF)
      (void) open ("/dev/null", O_RDWR);
  (void) close_range (STDERR_FILENO + 1, ~0U, 0);
}

static void
sanitise_signals (void)
{
  static const int defaults[] = { SIGCHLD, SIGALRM, SIGTERM };
  sigset_t none;

  for (size_t i = 0; i < G_N_ELEMENTS (defaults); i++)
    (void) signal (defaults[i], SIG_DFL);
  (void) signal (SIGPIPE, SIG_IGN);
  /* A file that may not grow is an error as any other. */
  (void) signal (SIGXFSZ, SIG_IGN);
  sigemptyset (&none);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
}

/* Variables that would have libraries write secrets to a file, tell them and all
   else that they do on stdout, which may be a dialogue of SMTP, or run somebody's
   modules. */
static void
sanitise_environment (void)
{
  static const char *const harmful[]
      = { "SSLKEYLOGFILE", "G_MESSAGES_DEBUG", "G_DBUS_DEBUG",
          "CHARSET",       "GIO_MODULE_DIR",   "GIO_EXTRA_MODULES" };

  for (size_t i = 0; i < G_N_ELEMENTS (harmful); i++)
    (void) unsetenv (harmful[i]);
  keyring_prepare_environment ();
}

static void
prepare (void)
{
  sanitise_descriptors ();
  sanitise_signals ();
  sanitise_environment ();
  (void) umask (077);
  secret_harden_process ();
  sandbox_refuse_privileges ();
  /* Messages follow the user's language; dates and numbers never do. */
  (void) setlocale (LC_CTYPE, "");
  (void) setlocale (LC_MESSAGES, "");
  (void) bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  (void) bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  (void) textdomain (GETTEXT_PACKAGE);
}

static const Command *
find_command (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

static void
print_help (FILE *stream)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *folded = NULL;

  g_string_append (text, _ ("Usage: postrider COMMAND [ARGUMENT]...\n"
                            "Takes mail to your relay, over TLS, with the "
                            "password in your keyring.\n\n"));
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (text, "  %-10s  %s\n", commands[i].name,
                            _ (commands[i].help));
  g_string_append (
      text, _ ("\n`postrider COMMAND --help' tells more about each.\n"));
  folded = output_help_folded (text->str);
  (void) fputs (folded, stream);
}

static int
complain (const char *name)
{
  const char *known[G_N_ELEMENTS (commands) + 1] = { NULL };
  g_autoptr (GError) error = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    known[i] = commands[i].name;
  options_unknown_command ("postrider", name, known, &error);
  return report_error (error);
}

static int
show_help (const char *name)
{
  const Command *command = name != NULL ? find_command (name) : NULL;
  char *argv[] = { (char *) name, (char *) "--help", NULL };

  if (command != NULL)
    return command->main (2, argv);
  if (name != NULL)
    return complain (name);
  print_help (stdout);
  return EX_OK;
}

static int
postrider_main (int argc, char **argv)
{
  const Command *command = argc > 1 ? find_command (argv[1]) : NULL;

  if (argc < 2)
    {
      print_help (stderr);
      return EX_USAGE;
    }
  if (command != NULL && argc == 3 && strcmp (argv[2], "--version") == 0)
    {
      version_print ();
      return EX_OK;
    }
  if (command != NULL)
    return command->main (argc - 1, argv + 1);
  if (argc == 2 && strcmp (argv[1], "--help") == 0)
    return show_help (NULL);
  if (strcmp (argv[1], "help") == 0)
    return show_help (argv[2]);
  return complain (argv[1]);
}

/* With another user's rights anyone could send that user's mail. */
static bool
is_set_id (void)
{
  return getauxval (AT_SECURE) != 0 || getuid () != geteuid ()
         || getgid () != getegid ();
}

static int
run (int argc, char **argv)
{
  g_autofree char *name = g_path_get_basename (argv[0]);

  for (size_t i = 0; i < G_N_ELEMENTS (personalities); i++)
    if (strcmp (name, personalities[i].name) == 0)
      return personalities[i].main (argc, argv);
  return postrider_main (argc, argv);
}

/* What was to be read, and could not be written, was not done. */
static int
finish (int status)
{
  g_autoptr (GError) error = NULL;

  return status == EX_OK && !output_finish (&error) ? report_error (error)
                                                    : status;
}

int
main (int argc, char **argv)
{
  prepare ();
  if (is_set_id ())
    {
      (void) fprintf (stderr, _ ("postrider: must not be installed set-user-ID or "
                          "set-group-ID; run `chmod u-s,g-s' on it\n"));
      return EX_NOPERM;
    }
  if (argc < 1)
    return EX_USAGE;
  if (argc == 2 && strcmp (argv[1], "--version") == 0)
    {
      version_print ();
      return finish (EX_OK);
    }
  return finish (run (argc, argv));
}
