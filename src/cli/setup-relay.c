#include "cli/setup-relay.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/output.h"
#include "submit/discover.h"

#define PATIENCE (15 * 1000) /* milliseconds, for each answer */

/* Findings */

void
findings_clear (Findings *findings)
{
  for (size_t i = 0; i < N_PROBE_PARTS; i++)
    g_free (findings->texts[i]);
  g_free (findings->text);
  *findings = (Findings){ .failed = false };
}

bool
findings_are_refusal (const Findings *findings)
{
  return findings->failed && findings->part == PROBE_LOGIN
         && findings->code >= 500;
}

/* Whether the advice is: it may speak of an account that is written already. */
static bool
is_for_setup (const Findings *findings)
{
  return !findings_are_refusal (findings)
         && (findings->exit_status != EX_CONFIG
             || findings->part == PROBE_SECRET);
}

static void
take_step (void *data, const ProbeStep *step)
{
  Findings *findings = data;

  if (step->result != PROBE_FAILED)
    {
      findings->texts[step->part]
          = step->result == PROBE_WARNING
                ? g_strdup_printf (_ ("%s; %s"), step->text, step->advice)
                : g_strdup (step->text);
      return;
    }
  findings->failed = true;
  findings->part = step->part;
  findings->exit_status = step->exit_status;
  findings->code = step->code;
  findings->certificate = step->part == PROBE_TLS && step->expires != 0;
  findings->strange = step->strange;
  findings->text = step->advice[0] != '\0' && is_for_setup (findings)
                       ? g_strdup_printf (_ ("%s; %s"), step->text, step->advice)
                       : g_strdup (step->text);
}

void
setup_probe (const SetupDraft *draft, bool login, const Secret *secret,
             Findings *findings)
{
  Account account = *draft->account;
  ProbeParams params = { .general = &draft->after->general,
                         .account = &account,
                         .secret = secret,
                         .attended = draft->asks,
                         .patience = PATIENCE,
                         .step = take_step,
                         .data = findings };

  *findings = (Findings){ .failed = false };
  if (!login)
    {
      /* With this one no password is ever sent. */
      account.relay.auth = (char *) "EXTERNAL";
      account.relay.user = NULL;
      account.relay.token = false;
      account.secret_source = NULL;
    }
  (void) probe_run (&params);
}

static Failure
failure_of (int exit_status)
{
  switch (exit_status)
    {
    case EX_NOPERM:
      return FAILURE_CREDENTIAL;
    case EX_CONFIG:
      return FAILURE_CONFIG;
    case EX_UNAVAILABLE:
      return FAILURE_UNAVAILABLE;
    case EX_OSERR:
      return FAILURE_OS;
    default:
      return FAILURE_TEMPORARY;
    }
}

void
findings_set_error (const Findings *findings, GError **error)
{
  g_set_error_literal (error, FAILURE, failure_of (findings->exit_status),
                       findings->text);
}

/* Finding */

/* PORT and TLS are for want of others. */
static void
take_place (SetupDraft *draft, const char *host, unsigned port, TlsMode tls)
{
  g_autofree char *number = g_strdup_printf ("%u", port);

  setup_draft_set (draft, SETUP_HOST, host);
  if (draft->values[SETUP_PORT] == NULL)
    setup_draft_set (draft, SETUP_PORT, number);
  if (draft->values[SETUP_TLS] == NULL)
    setup_draft_set (draft, SETUP_TLS,
                     tls == TLS_STARTTLS ? "starttls" : "implicit");
}

static void
take_provider (SetupDraft *draft, const Provider *provider)
{
  draft->provider = provider;
  take_place (draft, provider->host, provider->port, provider->tls);
}

static void
take_target (SetupDraft *draft, const SrvTarget *target)
{
  take_place (draft, target->host, target->port, target->tls);
}

/* HOST:PORT is understood as well. */
static bool
take_host (SetupDraft *draft, const char *text, GError **error)
{
  const char *colon = strchr (text, ':');
  bool has_port = colon != NULL && strchr (colon + 1, ':') == NULL;
  g_autofree char *host =
      has_port ? g_strndup (text, (size_t) (colon - text)) : g_strdup (text);
  const Provider *provider;

  if (!account_may_set ("host", host, draft->home, error)
      || (has_port
          && !account_may_set ("port", colon + 1, draft->home, error)))
    return false;
  setup_draft_set (draft, SETUP_HOST, host);
  setup_draft_set (draft, SETUP_PORT,
                   has_port ? colon + 1 : draft->options->values[SETUP_PORT]);
  setup_draft_set (draft, SETUP_TLS, draft->options->values[SETUP_TLS]);
  provider = providers_of_host (draft->providers, host);
  draft->provider = NULL;
  if (provider != NULL)
    take_provider (draft, provider);
  return true;
}

static bool
ask_host (SetupDraft *draft, const char *proposal, GError **error)
{
  for (;;)
    {
      g_autoptr (GError) why = NULL;
      g_autofree char *text =
          ask_text (_ ("Host of the relay that you send through (or "
                       "HOST:PORT)"),
                    proposal, error);

      if (text == NULL)
        return false;
      if (take_host (draft, text, &why))
        return true;
      ask_tell_error (why->message);
    }
}

/* Its answer may have been written by anybody on the way: who reads mail for a
   living would name a host that has a valid certificate. */
static bool
confirm_target (SetupDraft *draft, const SrvTarget *target, GError **error)
{
  g_autofree char *question = NULL;
  g_autofree char *text = NULL;
  bool yes = false;

  if (!draft->asks)
    {
      g_set_error (
          error, FAILURE, FAILURE_USAGE,
          _ ("DNS names %s as the relay of %s; that is another domain, "
             "and DNS can be forged, so it was not contacted: if it "
             "is right, say --host %s"),
          target->host, draft->domain, target->host);
      return false;
    }
  text = g_strdup_printf (
      _ ("DNS names %s, port %u, as the relay of %s. That is another domain, "
         "and DNS can be forged: who is in your network could have your mail "
         "and your password sent there."),
      target->host, target->port, draft->domain);
  ask_tell (text);
  question = g_strdup_printf (_ ("Is %s your provider's?"), target->host);
  if (!ask_yes_or_no (question, false, &yes, error))
    return false;
  if (yes)
    take_target (draft, target);
  return true;
}

/* What there is to say of an answer that is no relay. */
static char *
describe_answer (const SetupDraft *draft, SrvResult result)
{
  switch (result)
    {
    case SRV_REFUSED:
      return g_strdup_printf (
          _ ("%s says in DNS that it has no relay for its users"),
          draft->domain);
    case SRV_UNUSABLE:
      return g_strdup_printf (_ ("%s names no relay in DNS that could be used"),
                              draft->domain);
    case SRV_TROUBLE:
      return g_strdup_printf (_ ("DNS has no answer for %s at present"),
                              draft->domain);
    default:
      return g_strdup_printf (_ ("%s does not say in DNS which relay it has"),
                              draft->domain);
    }
}

/* Leaves the host open where it does not find one. */
static bool
ask_dns (SetupDraft *draft, GError **error)
{
  SrvTarget target;
  SrvResult result;
  g_autofree char *answer = NULL;
  bool ok = true;

  text_print_line (stdout, _ ("Asking DNS for the relay of %s ...\n"),
                   draft->domain);
  result = discover_relay (draft->domain, &target);
  if (result == SRV_FOUND && srv_is_within (target.host, draft->domain))
    {
      text_print_line (stdout,
                       _ ("DNS names %s, port %u, as the relay of %s.\n"),
                       target.host, target.port, draft->domain);
      take_target (draft, &target);
    }
  else if (result == SRV_FOUND)
    ok = confirm_target (draft, &target, error);
  else
    answer = describe_answer (draft, result);
  srv_target_clear (&target);
  if (answer == NULL)
    return ok;
  if (draft->asks)
    {
      ask_tell_error (answer);
      return true;
    }
  g_set_error (error, FAILURE, FAILURE_USAGE, _ ("%s: say --host HOST"),
               answer);
  return false;
}

/* An account that is changed has one already. */
static bool
find_old (SetupDraft *draft, const char *host, GError **error)
{
  if (draft->asks)
    return ask_host (draft, host, error);
  setup_draft_set (draft, SETUP_HOST, host);
  return true;
}

static bool
find_unknown (SetupDraft *draft, GError **error)
{
  g_autofree char *old =
      draft->replaces
          ? edit_get (draft->edit, draft->name, setup_setting_names[SETUP_HOST])
          : NULL;
  g_autofree char *usual = NULL;

  if (old != NULL)
    return find_old (draft, old, error);
  if (!ask_dns (draft, error))
    return false;
  if (draft->values[SETUP_HOST] != NULL)
    return true;
  usual = discover_usual_host (draft->domain);
  return ask_host (draft, usual, error);
}

static void
print_provider (const SetupDraft *draft)
{
  g_autofree char *advice = provider_advice (draft->provider);

  text_print_line (stdout, _ ("%s: %s, port %s (as of %s).\n"),
                   draft->provider->name, draft->values[SETUP_HOST],
                   draft->values[SETUP_PORT], draft->providers->checked);
  if (advice != NULL)
    ask_tell (advice);
}

bool
setup_find_relay (SetupDraft *draft, GError **error)
{
  const Provider *provider =
      draft->values[SETUP_HOST] != NULL
          ? providers_of_host (draft->providers, draft->values[SETUP_HOST])
          : providers_of_domain (draft->providers, draft->domain);

  if (provider != NULL)
    take_provider (draft, provider);
  else if (draft->values[SETUP_HOST] == NULL && !find_unknown (draft, error))
    return false;
  if (draft->provider != NULL)
    print_provider (draft);
  setup_draft_keep (draft);
  return true;
}

/* Reaching */

typedef struct
{
  const char *tls;
  const char *port; /* the usual one */
} RelayWay;

static const RelayWay ways[] = { { "implicit", "465" },
                                 { "starttls", "587" } };

/* Whether what is set leaves WAY open. */
static bool
is_open (const RelayWay *way, const char *tls, const char *port)
{
  if (tls != NULL)
    return strcmp (tls, way->tls) == 0;
  for (size_t i = 0; port != NULL && i < G_N_ELEMENTS (ways); i++)
    if (strcmp (port, ways[i].port) == 0)
      return way == &ways[i];
  return true;
}

/* Whether another way might do what this one, which failed, could not: none does
   where TLS was spoken or a relay has answered. */
static bool
may_help (const Findings *findings, bool port_is_known)
{
  if (findings->part == PROBE_CONNECTION)
    return !port_is_known;
  return (findings->part == PROBE_TLS || findings->part == PROBE_GREETING)
         && findings->code == 0 && !findings->certificate
         && findings->texts[PROBE_TLS] == NULL;
}

static unsigned
parts_passed (const Findings *findings)
{
  unsigned passed = 0;

  for (size_t i = 0; i < N_PROBE_PARTS; i++)
    passed += findings->texts[i] != NULL;
  return passed;
}

/* PORT is NULL where the way's own one is meant. */
static void
take_way (SetupDraft *draft, const RelayWay *way, const char *port)
{
  setup_draft_set (draft, SETUP_TLS, way->tls);
  setup_draft_set (draft, SETUP_PORT, port != NULL ? port : way->port);
}

static bool
try_way (SetupDraft *draft, const RelayWay *way, const char *port,
         Findings *findings, GError **error)
{
  take_way (draft, way, port);
  if (!setup_draft_make (draft, error))
    return false;
  text_print_line (stdout,
                   way == &ways[0]
                       ? _ ("Connecting to %s, port %s ...\n")
                       : _ ("Connecting to %s, port %s, with STARTTLS ...\n"),
                   draft->values[SETUP_HOST], draft->values[SETUP_PORT]);
  setup_probe (draft, false, NULL, findings);
  /* Whether that login would be good is not asked. */
  if (findings->texts[PROBE_EHLO] != NULL)
    findings->failed = false;
  return true;
}

/* Tries the ways that are open, the better one first, until one is good. FINDINGS,
   which are none yet, are those of the one that led farthest; one that led to a
   certificate is taken. */
static bool
try_ways (SetupDraft *draft, Findings *findings, GError **error)
{
  g_autofree char *tls = g_strdup (draft->values[SETUP_TLS]);
  g_autofree char *port = g_strdup (draft->values[SETUP_PORT]);
  const RelayWay *best = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_auto (Findings) now = { .failed = false };
      Findings worse;

      if (!is_open (&ways[i], tls, port)
          || (best != NULL && !may_help (findings, port != NULL)))
        continue;
      if (!try_way (draft, &ways[i], port, &now, error))
        return false;
      if (best == NULL || parts_passed (&now) > parts_passed (findings))
        {
          worse = *findings;
          *findings = now;
          now = worse;
          best = &ways[i];
        }
      if (!findings->failed)
        return true;
    }
  setup_draft_set (draft, SETUP_TLS, tls);
  setup_draft_set (draft, SETUP_PORT, port);
  if (best != NULL && findings->certificate)
    take_way (draft, best, port);
  return true;
}

static void
print_reached (const SetupDraft *draft, const Findings *findings)
{
  const char *peer = findings->texts[PROBE_CONNECTION];
  g_autoptr (GString) out = g_string_new (NULL);

  text_print_line (stdout, _ ("Reached %s, port %u (%s):\n"),
                   draft->account->relay.host, draft->account->relay.port,
                   peer != NULL ? peer : "?");
  output_append_wrapped (out, findings->texts[PROBE_TLS], 2);
  (void) fputs (out->str, stdout);
}

/* Where its certificate is of nobody who is trusted here. */
static bool
ask_trust (SetupDraft *draft, const Findings *findings, GError **error)
{
  if (findings->strange)
    ask_tell (_ ("Who runs the relay of a company, or your own, can give you that "
               "certificate as a file. For any other relay go no further: "
               "somebody may be in between."));
  if (!setup_draft_ask (draft, SETUP_TRUST_FILE,
                        _ ("File with that certificate (nothing: another "
                           "relay)"),
                        error))
    return false;
  return draft->values[SETUP_TRUST_FILE] != NULL
         || ask_host (draft, draft->values[SETUP_HOST], error);
}

/* It is of nobody who is trusted, or the file that was to say who is cannot be
   read. */
static bool
wants_trust (const SetupDraft *draft, const Findings *findings)
{
  return findings->strange
         || (findings->part == PROBE_TLS && findings->exit_status == EX_CONFIG
             && draft->values[SETUP_TRUST_FILE] != NULL);
}

/* Nobody is there to name the file, and no accounts file to name it in. */
static void
name_option (Findings *findings)
{
  char *text = g_strdup_printf (
      _ ("%s; `postrider setup' takes it by --trust-file FILE"),
      findings->text);

  g_free (findings->text);
  findings->text = text;
}

bool
setup_reach_relay (SetupDraft *draft, GError **error)
{
  for (;;)
    {
      g_auto (Findings) findings = { .failed = false };

      if (!try_ways (draft, &findings, error))
        return false;
      if (!findings.failed)
        {
          print_reached (draft, &findings);
          return true;
        }
      if (!draft->asks)
        {
          if (findings.strange)
            name_option (&findings);
          findings_set_error (&findings, error);
          return false;
        }
      ask_tell_error (findings.text);
      if (!(wants_trust (draft, &findings)
                ? ask_trust (draft, &findings, error)
                : ask_host (draft, draft->values[SETUP_HOST], error)))
        return false;
    }
}
