#include "cli/check-machine.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/keyring.h"
#include "base/failure.h"
#include "base/spool.h"
#include "cli/link.h"
#include "cli/queue-change.h"
#include "cli/survey.h"
#include "smtp/sasl.h"
#include "submit/bus.h"

#define SAMPLE (64 * 1024) /* octets, as messages have */
#define BUS_PATIENCE 2000 /* milliseconds */
#define UNIT "postrider.service"

static void
add (Sheet *sheet, const char *part, ProbeResult result, const char *text,
     const char *advice)
{
  sheet_add (sheet, &(Row){ .part = part,
                            .result = result,
                            .milliseconds = -1,
                            .text = text,
                            .advice = advice });
}

static void
add_failure (Sheet *sheet, const char *part, const GError *error,
             const char *text, const char *advice)
{
  sheet_add (sheet, &(Row){ .part = part,
                            .result = PROBE_FAILED,
                            .exit_status = failure_exit_status (error),
                            .milliseconds = -1,
                            .text = text,
                            .advice = advice });
}

/* A file has no secrets, so nothing is lost; and that of the system is for all. */
static void
check_mode (const char *file, Sheet *sheet)
{
  struct stat status;
  g_autofree char *text = NULL;
  g_autofree char *advice = NULL;

  if (strcmp (file, ACCOUNTS_SYSTEM_FILE) == 0 || stat (file, &status) != 0
      || (status.st_mode & S_IROTH) == 0 || status.st_uid != getuid ())
    {
      add (sheet, "file", PROBE_OK, file, NULL);
      return;
    }
  text = g_strdup_printf (_ ("%s can be read by others; no password is in it, "
                             "but your addresses are"),
                          file);
  advice = g_strdup_printf (_ ("run `chmod go= %s'"), file);
  add (sheet, "file", PROBE_WARNING, text, advice);
}

static void
check_files (const Accounts *accounts, Sheet *sheet)
{
  const char *last = NULL;

  for (size_t i = 0; i < accounts->accounts->len; i++)
    {
      const Account *account = accounts->accounts->pdata[i];

      if (g_strcmp0 (account->file, last) != 0)
        check_mode (account->file, sheet);
      last = account->file;
    }
}

void
machine_check_file (const Accounts *accounts, const GError *why, Sheet *sheet)
{
  g_auto (GStrv) lines = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) none = NULL;

  if (accounts == NULL)
    {
      lines = g_strsplit (why->message, "\n", -1);
      for (char **line = lines; *line != NULL; line++)
        add_failure (sheet, "file", why, *line, NULL);
      return;
    }
  if (accounts->accounts->len > 0)
    {
      check_files (accounts, sheet);
      return;
    }
  text = g_strdup_printf (_ ("there is no account in %s"), accounts->file);
  none = g_error_new_literal (FAILURE, FAILURE_CONFIG, text);
  add_failure (sheet, "file", none, text,
               _ ("run `postrider setup', which asks what it has to know"));
}

/* Whether a message could be written, as one would be; nothing stays of it. */
static bool
has_space (Queue *queue, const Accounts *accounts, GError **error)
{
  static const char sample[SAMPLE];
  g_autoptr (Spool) spool
      = queue_spool (queue, accounts != NULL ? accounts->general.reserve : 0);
  uint64_t start;

  return spool_append (spool, sample, sizeof sample, error)
         && spool_fd (spool, &start, error) >= 0;
}

/* How many messages are in each room. */
static bool
count (Queue *queue, unsigned counts[N_ROOMS], GError **error)
{
  g_autoptr (GArray) places = survey_places (queue, error);

  if (places == NULL)
    return false;
  for (size_t i = 0; i < places->len; i++)
    counts[g_array_index (places, Place, i).room]++;
  return true;
}

static void
check_rooms (const unsigned counts[N_ROOMS], Sheet *sheet)
{
  g_autofree char *waiting = g_strdup_printf (
      ngettext ("%u message waits", "%u messages wait", counts[ROOM_QUEUE]),
      counts[ROOM_QUEUE]);
  g_autofree char *held = g_strdup_printf (
      ngettext ("%u message is held: it is not sent until you say so",
                "%u messages are held: they are not sent until you say so",
                counts[ROOM_HELD]),
      counts[ROOM_HELD]);
  g_autofree char *damaged = g_strdup_printf (
      ngettext ("%u message is damaged", "%u messages are damaged",
                counts[ROOM_CORRUPT]),
      counts[ROOM_CORRUPT]);

  if (counts[ROOM_HELD] + counts[ROOM_CORRUPT] == 0)
    add (sheet, "queue", PROBE_OK, waiting, NULL);
  if (counts[ROOM_HELD] > 0)
    add (sheet, "queue", PROBE_WARNING, held,
         _ ("run `postrider queue', which tells why, then `postrider queue "
            "release' or `remove'"));
  if (counts[ROOM_CORRUPT] > 0)
    add (sheet, "queue", PROBE_WARNING, damaged,
         _ ("run `postrider queue', which tells where they are"));
}

void
machine_check_queue (const Accounts *accounts, Queue *queue, const GError *why,
                     Sheet *sheet)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *advice = NULL;
  unsigned counts[N_ROOMS] = { 0 };

  if (queue == NULL)
    {
      add_failure (sheet, "queue", why, why->message, NULL);
      return;
    }
  if (!count (queue, counts, &error))
    {
      add_failure (sheet, "queue", error, error->message, NULL);
      return;
    }
  check_rooms (counts, sheet);
  if (has_space (queue, accounts, &error))
    return;
  /* Of `reserve' it says what to do. */
  if (!g_error_matches (error, FAILURE, FAILURE_TEMPORARY))
    advice = g_strdup_printf (_ ("until that is mended no message is taken; the "
                                 "queue is in %s"),
                              queue_room_path (queue, ROOM_QUEUE));
  add_failure (sheet, "queue", error, error->message, advice);
}

void
machine_check_held (Queue *queue, const Account *account, Sheet *sheet)
{
  g_autoptr (GArray) places = queue != NULL ? survey_places (queue, NULL) : NULL;
  g_autoptr (GPtrArray) held = NULL;
  g_autofree char *text = NULL;
  g_autofree char *advice = NULL;

  if (places == NULL)
    return;
  held = change_held_for (queue, places, account->name);
  if (held->len == 0)
    return;
  text = g_strdup_printf (
      ngettext ("%u message is held because of this account",
                "%u messages are held because of this account", held->len),
      held->len);
  advice = g_strdup_printf (
      ngettext ("once it works, `postrider queue release --account %s' sends it",
                "once it works, `postrider queue release --account %s' sends "
                "them",
                held->len),
      account->name);
  add (sheet, "held", PROBE_WARNING, text, advice);
}

static void
check_runner (const Accounts *accounts, Queue *queue, Sheet *sheet)
{
  if (queue_has_runner (queue))
    add (sheet, "runner", PROBE_OK, _ ("it runs"), NULL);
  else if (queue_is_empty (queue))
    add (sheet, "runner", PROBE_OK, _ ("none runs, as nothing waits"), NULL);
  else if (accounts != NULL && !accounts->general.start_runner)
    add (sheet, "runner", PROBE_WARNING,
         _ ("none runs, and `start-runner = no' lets none be started"),
         _ ("run `postrider run --once', or have cron do so"));
  else
    add (sheet, "runner", PROBE_WARNING,
         _ ("none runs, though messages wait"),
         _ ("run `postrider run --until-empty', or `postrider queue retry'"));
}

/* "enabled", "disabled", ...; NULL: the user's systemd does not know the unit, or
   there is none. */
static char *
unit_state (void)
{
  static const BusMethod get = {
    .name = "org.freedesktop.systemd1",
    .path = "/org/freedesktop/systemd1",
    .interface = "org.freedesktop.systemd1.Manager",
    .method = "GetUnitFileState",
  };
  g_autoptr (GVariant) answer
      = bus_is_known () ? bus_call (&get, g_variant_new ("(s)", UNIT),
                                    deadline_in (BUS_PATIENCE))
                        : NULL;
  char *state = NULL;

  if (answer != NULL
      && g_variant_is_of_type (answer, G_VARIANT_TYPE ("(s)")))
    g_variant_get (answer, "(s)", &state);
  return state;
}

/* What a service leaves that ends with all it has started is nobody's but the
   unit's. */
static void
check_system_unit (Sheet *sheet)
{
  if (access ("/run/systemd/system", F_OK) != 0)
    add (sheet, "unit", PROBE_SKIPPED,
         _ ("there is no systemd here; a runner starts by itself when there "
            "is mail for it"),
         NULL);
  else if (access ("/etc/systemd/system/multi-user.target.wants/" UNIT, F_OK)
           == 0)
    add (sheet, "unit", PROBE_OK,
         _ ("a runner for root's queue is started at boot "
            "(postrider.service)"),
         NULL);
  else
    add (sheet, "unit", PROBE_WARNING,
         _ ("mail that services of the system leave may wait for the next "
            "message, as root's queue has no unit"),
         _ ("run `systemctl enable --now postrider.service'"));
}

static void
check_unit (Sheet *sheet)
{
  g_autofree char *state = NULL;

  if (getuid () == 0)
    {
      check_system_unit (sheet);
      return;
    }
  state = unit_state ();
  if (state == NULL)
    add (sheet, "unit", PROBE_SKIPPED,
         _ ("no systemd of yours that runs here has a postrider.service; a "
            "runner starts by itself when there is mail for it"),
         NULL);
  else if (g_str_has_prefix (state, "enabled"))
    add (sheet, "unit", PROBE_OK,
         _ ("a runner is started when you log in (postrider.service)"), NULL);
  else
    add (sheet, "unit", PROBE_OK,
         _ ("a runner starts by itself when there is mail for it; to have one "
            "after each log-in, run `systemctl --user enable --now "
            "postrider.service'"),
         NULL);
}

static void
check_sendmail (Sheet *sheet)
{
  g_autofree char *text = NULL;
  g_autofree char *advice = NULL;

  if (link_is_ours ())
    {
      add (sheet, "sendmail", PROBE_OK, LINK_SENDMAIL, NULL);
      return;
    }
  link_describe (&text, &advice);
  add (sheet, "sendmail", PROBE_WARNING, text, advice);
}

static bool
wants_keyring (const Accounts *accounts)
{
  for (size_t i = 0; accounts != NULL && i < accounts->accounts->len; i++)
    {
      const Account *account = accounts->accounts->pdata[i];

      if (account->secret_source == NULL && account->relay.user != NULL
          && sasl_wants_secret (account->relay.auth))
        return true;
    }
  return false;
}

static void
check_cron (const Accounts *accounts, Sheet *sheet)
{
  g_autofree char *bus = keyring_bus_of_jobs ();

  if (!wants_keyring (accounts))
    add (sheet, "cron", PROBE_OK,
         _ ("its jobs need no keyring for these accounts"), NULL);
  else if (bus != NULL)
    add (sheet, "cron", PROBE_OK,
         _ ("its jobs find the session bus, and the keyring there"), NULL);
  else
    add (sheet, "cron", PROBE_WARNING,
         _ ("its jobs find no session bus, so what they send waits until you "
            "log in"),
         _ ("where nobody logs in, write `password-file' or "
            "`password-credential' into the account"));
}

void
machine_check (const Accounts *accounts, Queue *queue, Sheet *sheet)
{
  if (queue != NULL)
    check_runner (accounts, queue, sheet);
  check_sendmail (sheet);
  check_cron (accounts, sheet);
  check_unit (sheet);
}
