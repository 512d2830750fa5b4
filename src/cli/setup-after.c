#include "cli/setup-after.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/child.h"
#include "base/failure.h"
#include "base/text.h"
#include "base/user.h"
#include "cli/link.h"
#include "cli/output.h"
#include "queue/queue.h"
#include "submit/launch.h"

#define SYSTEMD_PATIENCE (10 * 1000) /* milliseconds */
#define OUTPUT_MAXIMUM 4096
#define SERVICE "postrider.service"
#define LINES_COLUMN 8 /* of what other programs are told */

/* The service */

/* Root's queue has a unit of the system's. */
static const char *
manager (void)
{
  return getuid () == 0 ? "--system" : "--user";
}

bool
setup_service_is_offered (void)
{
  /* Unlike list-unit-files, this fails where no systemd runs to start it. */
  const char *const argv[] = { "systemctl", manager (), "show",
                               "--property=UnitFileState", SERVICE, NULL };
  g_autoptr (Secret) output = child_output (
      argv, OUTPUT_MAXIMUM, deadline_in (SYSTEMD_PATIENCE), NULL);

  return output != NULL
         && strcmp (secret_octets (output), "UnitFileState=disabled\n") == 0;
}

bool
setup_enable_service (GError **error)
{
  const char *const argv[] = { "systemctl", manager (), "enable",
                               "--now",     SERVICE,    NULL };
  g_autoptr (GError) why = NULL;
  g_autoptr (Secret) output = child_output (
      argv, OUTPUT_MAXIMUM, deadline_in (SYSTEMD_PATIENCE), &why);

  if (output != NULL)
    return true;
  g_set_error (error, FAILURE, FAILURE_OS,
               _ ("the service cannot be enabled: %s"), why->message);
  return false;
}

/* The test message */

static char *
test_message (const char *address, const char *to)
{
  return g_strdup_printf ("From: %s\nTo: %s\nSubject: %s\nMIME-Version: 1.0\n"
                          "Content-Type: text/plain; charset=UTF-8\n"
                          "Content-Transfer-Encoding: 8bit\n\n%s\n",
                          address, to, _ ("A test of Postrider"),
                          _ ("This message was sent by `postrider setup'. It "
                             "arrived, so mail from "
                             "this machine\ngoes out."));
}

/* A descriptor to read TEXT from; -1. */
static int
open_text (const char *text)
{
  int fd = memfd_create ("message", MFD_CLOEXEC);
  ssize_t length = (ssize_t) strlen (text);

  if (fd >= 0 && write (fd, text, (size_t) length) == length
      && lseek (fd, 0, SEEK_SET) == 0)
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}

/* Those that wait now. */
static GPtrArray *
list_queue (void)
{
  g_autofree char *home = user_home ();
  g_autoptr (Queue) queue = queue_open_own (home, NULL);

  return queue != NULL ? queue_list (queue, ROOM_QUEUE, NULL) : NULL;
}

static bool
has_more (const GPtrArray *before, const GPtrArray *after)
{
  for (size_t i = 0; after != NULL && i < after->len; i++)
    if (before == NULL
        || !g_ptr_array_find_with_equal_func (
            (GPtrArray *) before, after->pdata[i], g_str_equal, NULL))
      return true;
  return false;
}

static int
run_sendmail (const char *const *argv, const char *text)
{
  g_autofree char *path = launch_own_path ();
  int input = open_text (text);
  int status = 0;
  pid_t pid;

  if (input < 0
      || child_spawn (path, argv, (const char *const *) environ,
                      (int[]){ input, STDERR_FILENO, STDERR_FILENO }, &pid)
             != 0)
    {
      if (input >= 0)
        close (input);
      return EX_OSERR;
    }
  close (input);
  while (waitpid (pid, &status, 0) < 0)
    if (errno != EINTR)
      return EX_OSERR;
  return WIFEXITED (status) ? WEXITSTATUS (status) : EX_SOFTWARE;
}

int
setup_send_test (const char *accounts_file, const char *account,
                 const char *address, const char *to, bool *waits)
{
  g_autofree char *text = test_message (address, to);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GPtrArray) before = list_queue ();
  g_autoptr (GPtrArray) after = NULL;
  int status;

  g_ptr_array_add (argv, (void *) "postrider");
  g_ptr_array_add (argv, (void *) "sendmail");
  if (accounts_file != NULL)
    {
      g_ptr_array_add (argv, (void *) "-C");
      g_ptr_array_add (argv, (void *) accounts_file);
    }
  g_ptr_array_add (argv, (void *) "--account");
  g_ptr_array_add (argv, (void *) account);
  g_ptr_array_add (argv, (void *) "-odi");
  g_ptr_array_add (argv, (void *) "-f");
  g_ptr_array_add (argv, (void *) address);
  g_ptr_array_add (argv, (void *) "--");
  g_ptr_array_add (argv, (void *) to);
  g_ptr_array_add (argv, NULL);
  status = run_sendmail ((const char *const *) argv->pdata, text);
  after = list_queue ();
  *waits = status == EX_OK && has_more (before, after);
  return status;
}

/* Other programs */

/* Below the line for cron. */
static void
print_link (void)
{
  g_autofree char *text = NULL;
  g_autofree char *advice = NULL;
  g_autoptr (GString) out = g_string_new (NULL);

  link_describe (&text, &advice);
  output_append_wrapped (out, text, LINES_COLUMN);
  output_append_padded (out, "", LINES_COLUMN, false);
  g_string_append (out, "-> ");
  output_append_folded (out, advice, LINES_COLUMN + 3, LINES_COLUMN + 3);
  (void) fputs (out->str, stdout);
}

void
setup_print_lines (const char *address)
{
  g_autofree char *own = launch_own_path ();
  g_autofree char *path = text_printable (own, strlen (own), PATH_MAX);
  g_autofree char *command = link_is_ours ()
                                 ? g_strdup (LINK_SENDMAIL)
                                 : g_strconcat (path, " sendmail", NULL);

  printf (_ ("\nFor other programs:\n"
             "  mutt  in ~/.muttrc: set sendmail = \"%s\"\n"
             "                      set from = \"%s\"\n"
             "                      set use_envelope_from = yes\n"
             "  git   git config --global sendemail.sendmailCmd \"%s\"\n"
             "        git config --global sendemail.envelopeSender auto\n"
             "  cron  in crontab -e: MAILTO=%s\n"),
          command, address, command, address);
  if (!link_is_ours ())
    print_link ();
}
