#include "cli/run.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/user.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace.h"
#include "queue/queue.h"
#include "submit/report.h"
#include "submit/runner.h"

typedef struct
{
  RunnerParams params;
  bool verbose;
  bool help;
} Request;

static bool
take_once (void *target, const char *argument, GError **error)
{
  ((Request *) target)->params.until = RUNNER_ONCE;
  return true;
}

static bool
take_until_empty (void *target, const char *argument, GError **error)
{
  ((Request *) target)->params.until = RUNNER_EMPTY;
  return true;
}

static const Option options[] = {
  { 0, "once", ARGUMENT_NONE, take_once, NULL,
    .help = N_ ("send what is due, and end") },
  { 0, "until-empty", ARGUMENT_NONE, take_until_empty, NULL,
    .help = N_ ("end when nothing waits any more") },
  { 'v', NULL, ARGUMENT_NONE, OPTION_SETS (Request, verbose),
    .help = N_ ("show the conversation with the relay") },
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (Request, params.accounts_file),
    .help = N_ ("read this accounts file and no other") },
  { 0, "help", ARGUMENT_NONE, OPTION_SETS (Request, help),
    .help = N_ ("show this help") },
  { 0 },
};

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  output_help (_ ("Usage: postrider run [OPTION]...\n"
             "Sends what waits in the queue, each message when it is due, and "
             "goes on for ever.\n\n%s"),
          text);
}

int
run_main (int argc, char **argv)
{
  Trace trace = { .line = trace_to_stderr };
  g_autofree char *home = user_home ();
  Request request = { .params = { .until = RUNNER_SERVICE, .home = home } };
  g_autoptr (GError) error = NULL;
  g_autoptr (Queue) queue = NULL;

  if (!options_parse_anywhere (options, argc, argv, &request, NULL, 0, &error))
    return report_error (error);
  if (request.help)
    {
      print_help ();
      return EX_OK;
    }
  queue = queue_open_own (home, &error);
  if (queue == NULL)
    return report_error (error);
  request.params.trace = request.verbose ? &trace : NULL;
  request.params.person = request.verbose || isatty (STDERR_FILENO);
  return runner_run (queue, &request.params);
}
