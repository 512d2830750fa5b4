#include "submit/probe.h"

#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "queue/backoff.h"
#include "smtp/transaction.h"
#include "submit/apart.h"
#include "submit/attempt.h"
#include "submit/confine.h"

/* A step on its way from the child: part, result, milliseconds, exit status, code,
   expiry, strange, text, advice. */
#define STEP_TYPE "(yyuiixbss)"
#define BEGUN (PROBE_FAILED + 1) /* the result of one that has none yet */

#define TEXT_MAXIMUM 1200 /* octets; two of them fit into a report */

#define SOON (14 * 24 * 60 * 60) /* seconds until a certificate expires */

const char *
probe_part_name (ProbePart part)
{
  static const char *const names[N_PROBE_PARTS] = {
    [PROBE_SECRET] = "secret",         [PROBE_ADDRESS] = "address",
    [PROBE_CONNECTION] = "connection", [PROBE_TLS] = "tls",
    [PROBE_GREETING] = "greeting",     [PROBE_EHLO] = "ehlo",
    [PROBE_LOGIN] = "login",           [PROBE_SENDER] = "sender",
  };

  return names[part];
}

const char *
probe_result_name (ProbeResult result)
{
  static const char *const names[] = {
    [PROBE_OK] = "ok",
    [PROBE_WARNING] = "warning",
    [PROBE_SKIPPED] = "skipped",
    [PROBE_FAILED] = "failed",
  };

  return names[result];
}

/* In the child */

typedef struct
{
  const ProbeParams *params;
  const Apart *apart;
  Account account; /* the params' one, with their patience */
  unsigned told;   /* which parts, a bit for each */
  char *addresses; /* of the host, once it is looked up; nullable */
  int64_t since; /* when the part that goes on has begun */
  unsigned secret_milliseconds;
  char *certificate; /* in words; nullable */
  int64_t valid;     /* from when on */
  int64_t expires;
  bool strange;
} Probe;

static unsigned
take_time (Probe *probe)
{
  int64_t now = g_get_monotonic_time ();
  int64_t passed = now - probe->since;

  probe->since = now;
  return (unsigned) (passed / 1000);
}

static void
send_step (const Probe *probe, const ProbeStep *step)
{
  g_autofree char *text
      = text_printable (step->text, strlen (step->text), TEXT_MAXIMUM);
  g_autofree char *advice
      = text_printable (step->advice, strlen (step->advice), TEXT_MAXIMUM);
  g_autoptr (GVariant) packed = g_variant_ref_sink (
      g_variant_new (STEP_TYPE, (unsigned char) step->part,
                     (unsigned char) step->result, step->milliseconds,
                     step->exit_status, step->code, step->expires,
                     step->strange, text, advice));

  apart_report (probe->apart, g_variant_get_data (packed),
                g_variant_get_size (packed));
}

/* A session that is opened a second time, with a new token, has passed some parts
   before. */
static void
tell (Probe *probe, const ProbeStep *step)
{
  if ((probe->told & (1U << step->part)) != 0)
    return;
  probe->told |= 1U << step->part;
  send_step (probe, step);
}

static void
begin (const Probe *probe, ProbePart part)
{
  send_step (probe, &(ProbeStep){ .part = part,
                                  .result = (ProbeResult) BEGUN,
                                  .text = "",
                                  .advice = "" });
}

static void
tell_ok (Probe *probe, ProbePart part, const char *text)
{
  tell (probe, &(ProbeStep){ .part = part,
                             .milliseconds = take_time (probe),
                             .text = text,
                             .advice = "" });
}

/* Only now it is known that the secret is one that can be used. */
static void
tell_secret (Probe *probe)
{
  const char *source = probe->account.secret_source;
  g_autofree char *text = NULL;

  if (probe->params->secret != NULL)
    text = g_strdup (_ ("as it was given"));
  else if (source != NULL)
    text = g_strdup_printf (_ ("from `%s'"), source);
  else if (probe->account.relay.user != NULL)
    text = g_strdup (_ ("from the keyring"));
  else
    text = g_strdup (_ ("none is needed"));
  tell (probe, &(ProbeStep){ .part = PROBE_SECRET,
                             .milliseconds = probe->secret_milliseconds,
                             .text = text,
                             .advice = "" });
}

static void
tell_connection (Probe *probe, const char *peer)
{
  const Relay *relay = &probe->account.relay;
  g_autofree char *text = NULL;

  if (relay->tunnel != NULL)
    text = g_strdup_printf (_ ("through the command %s"), relay->tunnel[0]);
  else if (relay->socket != NULL)
    text = g_strdup_printf (_ ("over the socket %s"), relay->socket);
  else if (relay->proxy.host != NULL)
    text = g_strdup_printf (_ ("through the proxy at %s"), peer);
  else
    text = g_strdup (peer);
  tell_ok (probe, PROBE_CONNECTION, text);
}

static void
tell_tls (Probe *probe, const char *description)
{
  int64_t left = probe->expires - g_get_real_time () / G_USEC_PER_SEC;
  bool soon = probe->expires > 0 && left < SOON;
  g_autofree char *text
      = probe->certificate == NULL
            ? g_strdup (description)
            : g_strdup_printf ("%s; %s", description, probe->certificate);

  tell (probe,
        &(ProbeStep){
            .part = PROBE_TLS,
            .result = soon ? PROBE_WARNING : PROBE_OK,
            .milliseconds = take_time (probe),
            .expires = probe->expires,
            .text = text,
            .advice = soon ? _ ("tell whoever runs the relay that its "
                                "certificate expires soon")
                           : "" });
}

static void
tell_login (Probe *probe, const char *mechanism)
{
  const char *user = probe->account.relay.user;
  g_autofree char *text = user != NULL
                              ? g_strdup_printf ("%s (%s)", user, mechanism)
                              : g_strdup (mechanism);

  tell_ok (probe, PROBE_LOGIN, text);
}

static void
on_reached (void *data, Milestone milestone, const char *text)
{
  Probe *probe = data;

  switch (milestone)
    {
    case MILESTONE_ADDRESS:
      g_free (probe->addresses);
      probe->addresses = g_strdup (text);
      tell_secret (probe);
      tell_ok (probe, PROBE_ADDRESS, text);
      break;
    case MILESTONE_CONNECTED:
      tell_secret (probe);
      tell_connection (probe, text);
      break;
    case MILESTONE_GREETING:
      tell_ok (probe, PROBE_GREETING, text);
      break;
    case MILESTONE_TLS:
      tell_tls (probe, text);
      break;
    case MILESTONE_EHLO:
      /* What was offered in clear does not count. */
      if ((probe->told & (1U << PROBE_TLS)) != 0)
        {
          tell_ok (probe, PROBE_EHLO, text);
          begin (probe, PROBE_LOGIN);
        }
      break;
    case MILESTONE_LOGIN:
      tell_login (probe, text);
      break;
    }
}

static void
on_certificate (void *data, const TraceCertificate *certificate)
{
  Probe *probe = data;
  g_autoptr (GDateTime) until
      = g_date_time_new_from_unix_utc (certificate->until);
  g_autofree char *date
      = until != NULL ? g_date_time_format (until, "%F") : g_strdup ("?");

  g_free (probe->certificate);
  probe->certificate = g_strdup_printf (
      certificate->pinned
          ? _ ("certificate for %s by %s until %s, its key pinned")
          : _ ("certificate for %s by %s until %s"),
      certificate->name, certificate->issuer, date);
  probe->valid = certificate->from;
  probe->expires = certificate->until;
  probe->strange = certificate->strange;
}

static void
on_line (void *data, TraceKind kind, const char *text)
{
  const Trace *trace = ((const Probe *) data)->params->trace;

  trace->line (trace->data, kind, text);
}

static Secret *
fetch_secret (void *data, GError **error)
{
  Probe *probe = data;
  Secret *secret;

  begin (probe, PROBE_SECRET);
  probe->since = g_get_monotonic_time ();
  secret = apart_credential ((void *) probe->apart, error);
  probe->secret_milliseconds = take_time (probe);
  begin (probe, PROBE_ADDRESS);
  return secret;
}

/* What failed */

static ProbePart
part_of (const Probe *probe, Stage stage)
{
  const Relay *relay = &probe->account.relay;

  switch (stage)
    {
    case STAGE_ACCOUNT:
    case STAGE_CREDENTIAL:
      return PROBE_SECRET;
    case STAGE_CONNECT:
      return probe->addresses != NULL || relay->tunnel != NULL
                     || relay->socket != NULL
                 ? PROBE_CONNECTION
                 : PROBE_ADDRESS;
    case STAGE_TLS:
    case STAGE_STARTTLS:
      return PROBE_TLS;
    case STAGE_GREETING:
      return PROBE_GREETING;
    case STAGE_EHLO:
      return PROBE_EHLO;
    case STAGE_AUTH:
      return PROBE_LOGIN;
    default:
      return PROBE_SENDER;
    }
}

#define BUSY N_ ("wait some minutes, then check again")
#define PORTS                                                                 \
  N_ ("check `port' and `tls': 465 goes with `tls = implicit', 587 with "     \
      "`tls = starttls'")
#define RUNNER N_ ("tell whoever runs the relay")

/* What a person does next, where the failure does not say so itself. The first row
   that fits decides; code 0: our own finding. */
static const struct
{
  Stage first, last;
  int low, high;
  bool alert; /* it will not mend itself */
  const char *advice;
} advices[] = {
  { STAGE_CONNECT, STAGE_GREETING, 500, 599, true,
    N_ ("the relay takes nothing from here: check `host' and `port', try "
        "another network, or ask whoever runs the relay") },
  { STAGE_CONNECT, STAGE_MAIL, 400, 499, false, BUSY },
  { STAGE_EHLO, STAGE_STARTTLS, 500, 599, true, PORTS },
  { STAGE_MAIL, STAGE_MAIL, 500, 599, false,
    N_ ("write into `from' an address that this login may send from, or ask "
        "whoever runs the relay") },
  { STAGE_GREETING, STAGE_GREETING, 0, 0, true,
    N_ ("check `host' and `port': what answers there is no relay") },
  { STAGE_GREETING, STAGE_GREETING, 0, 0, false,
    N_ ("check `port' and `tls'; if they are right, wait some minutes, then "
        "check again") },
  { STAGE_TLS, STAGE_TLS, 0, 0, false, PORTS },
  { STAGE_EHLO, STAGE_EHLO, 0, 0, true, RUNNER },
  { STAGE_AUTH, STAGE_AUTH, 0, 0, true,
    N_ ("check `user' and `auth', and `port': programs for mail use 465 or "
        "587, and relays among themselves 25") },
  { STAGE_EHLO, STAGE_MAIL, 0, 0, false, BUSY },
};

/* Where the password may be wrong. */
static char *
advise_password (const Account *account)
{
  if (account->secret_source == NULL)
    return g_strdup_printf (
        _ ("check `user', and run `postrider password set %s'; many providers "
           "want a password that is made for this program (an app password)"),
        account->name);
  return g_strdup_printf (
      _ ("check `user', and what `%s' gives; many providers want a password "
         "that is made for this program (an app password)"),
      account->secret_source);
}

/* Or the login name. */
static char *
advise_login (const Account *account)
{
  const char *user = account->relay.user;
  const char *address = account_address (account);
  g_autofree char *password = advise_password (account);

  if (user == NULL || strchr (user, '@') != NULL || address == NULL)
    return g_steal_pointer (&password);
  return g_strdup_printf (_ ("%s; many relays want the whole mail address as "
                             "`user', such as %s"),
                          password, address);
}

/* Who blocks names gives such addresses to all who ask; a file of hosts may. */
static bool
is_of_this_computer (const char *address)
{
  return g_str_has_prefix (address, "127.") || strcmp (address, "0.0.0.0") == 0
         || strcmp (address, "::1") == 0 || strcmp (address, "::") == 0;
}

/* The ports that programs for mail use. */
static const struct
{
  uint16_t port;
  const char *advice;
} ports[] = {
  { 465, N_ ("some networks block port 465: try another network, or `port = "
             "587' with `tls = starttls'") },
  { 587, N_ ("some networks block port 587: try another network, or `port = "
             "465' with `tls = implicit'") },
};

/* No address that the name of the host leads to could be reached. */
static char *
advise_way (const Probe *probe)
{
  const Relay *relay = &probe->account.relay;
  g_auto (GStrv) addresses = g_strsplit (probe->addresses, ", ", -1);

  if (addresses[0] != NULL && is_of_this_computer (addresses[0]))
    return g_strdup_printf (
        _ ("the name %s leads to this computer itself: check /etc/hosts, and "
           "whether an ad blocker answers instead of DNS"),
        relay->host);
  if (strchr (probe->addresses, '.') == NULL)
    return g_strdup_printf (
        _ ("%s has only IPv6 addresses: if this network has no IPv6, use "
           "another network, or another `host'"),
        relay->host);
  for (size_t i = 0; i < G_N_ELEMENTS (ports); i++)
    if (relay->port == ports[i].port)
      return g_strdup (_ (ports[i].advice));
  return g_strdup ("");
}

/* Whether it was a name that was looked up, and the relay's. */
static bool
was_found_by_name (const Probe *probe)
{
  const Relay *relay = &probe->account.relay;

  return probe->addresses != NULL && relay->proxy.host == NULL
         && !g_hostname_is_ip_address (relay->host)
         && g_ascii_strcasecmp (relay->host, "localhost") != 0;
}

/* The certificate was shown, and refused. Nobody who is told to trust another one asks
   whose that is; so this comes first. */
static char *
advise_certificate (const Probe *probe)
{
  int64_t now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *clock = NULL;
  g_autoptr (GDateTime) time = NULL;

  /* A key that is not the pinned one says what to do itself. */
  if (probe->account.relay.pins != NULL && now >= probe->valid
      && now < probe->expires)
    return g_strdup ("");
  if (now >= probe->valid && now < probe->expires)
    return g_strdup (_ ("where a network wants a login first (hotel, train), "
                        "open a web page and log in, then check again"));
  time = g_date_time_new_now_local ();
  clock = g_date_time_format (time, "%F %R");
  return g_strdup_printf (_ ("the clock of this computer says %s: if that is "
                             "wrong, set it"),
                          clock);
}

/* What prints a secret prints something else, or nothing. */
static bool
runs_command (const Account *account)
{
  return account->password_command != NULL || account->token_command != NULL;
}

static char *
advise_file (void)
{
  return g_strdup (_ ("put the password into that file, on one line, for nobody "
                      "but you to read"));
}

/* Errors of password-file and its kin say where they come from. */
static char *
advise_config (const Account *account, Stage stage)
{
  if (stage == STAGE_CREDENTIAL && account->secret_source != NULL
      && account->relay.user != NULL)
    return account->password_file != NULL
                   && access (account->password_file, F_OK) != 0
               ? advise_file ()
               : g_strdup ("");
  return g_strdup_printf (_ ("mend what the account says (%s:%d)"),
                          account->file, account->line);
}

static char *
advice_of (const Probe *probe, const Status *status)
{
  const Account *account = &probe->account;

  if (status->stage == STAGE_AUTH && status->code >= 500)
    return advise_login (account);
  if (status->exit_status == EX_CONFIG)
    return advise_config (account, status->stage);
  if (status->stage == STAGE_CREDENTIAL && runs_command (account))
    return g_strdup_printf (_ ("run the command of `%s' in a terminal: its "
                               "first line has to be the password"),
                            account->secret_source);
  if (status->stage == STAGE_CREDENTIAL && account->password_file != NULL)
    return advise_file ();
  if (status->stage == STAGE_TLS && probe->certificate != NULL)
    return advise_certificate (probe);
  if (status->stage == STAGE_CONNECT && status->code == 0
      && was_found_by_name (probe))
    return advise_way (probe);
  /* That one says itself what to do. */
  if (status->code == 0 && strstr (status->text, relay_web_server ()) != NULL)
    return g_strdup ("");
  for (size_t i = 0; i < G_N_ELEMENTS (advices); i++)
    if (status->stage >= advices[i].first && status->stage <= advices[i].last
        && status->code >= advices[i].low && status->code <= advices[i].high
        && advices[i].alert == status->alert)
      return g_strdup (_ (advices[i].advice));
  return g_strdup ("");
}

/* The relay's words, and who said them to what. */
static char *
text_of (const Probe *probe, const Status *status)
{
  g_autofree char *words = status_words (status);
  const char *host = probe->account.relay.host;

  if (status->code == 0)
    return g_steal_pointer (&words);
  if (status->stage <= STAGE_GREETING)
    return g_strdup_printf (_ ("%s refused the connection: %s"), host, words);
  if (status->stage < STAGE_AUTH)
    return g_strdup_printf (_ ("%s refused the session: %s"), host, words);
  if (status->stage == STAGE_AUTH)
    return g_strdup_printf (_ ("%s refused the login: %s"), host, words);
  return g_strdup_printf (_ ("%s refused the sender %s: %s"), host,
                          account_address (&probe->account), words);
}

/* Takes STATUS. What would be tried again by itself has no exit status of its own. */
static int
fail (Probe *probe, Status *status)
{
  g_autoptr (Status) owned = status;
  g_autofree char *text = text_of (probe, status);
  g_autofree char *advice = advice_of (probe, status);
  ProbePart part = part_of (probe, status->stage);
  int exit_status
      = status->exit_status != EX_OK ? status->exit_status : EX_TEMPFAIL;

  if (part != PROBE_SECRET)
    tell_secret (probe);
  tell (probe, &(ProbeStep){ .part = part,
                             .result = PROBE_FAILED,
                             .milliseconds = part == PROBE_SECRET
                                                 ? probe->secret_milliseconds
                                                 : take_time (probe),
                             .exit_status = exit_status,
                             .code = status->code,
                             .expires = part == PROBE_TLS ? probe->expires : 0,
                             .strange = part == PROBE_TLS && probe->strange,
                             .text = text,
                             .advice = advice });
  return exit_status;
}

static int
try_sender (Probe *probe, Session *session)
{
  const char *address = account_address (&probe->account);
  Status *status;

  if (address == NULL)
    {
      tell (probe, &(ProbeStep){ .part = PROBE_SENDER,
                                 .result = PROBE_SKIPPED,
                                 .text = _ ("`from' has no address of its own "
                                            "to try"),
                                 .advice = "" });
      return EX_OK;
    }
  begin (probe, PROBE_SENDER);
  status = transaction_try_sender (session, address);
  if (status != NULL)
    return fail (probe, status);
  tell_ok (probe, PROBE_SENDER, address);
  return EX_OK;
}

static unsigned
patient (const Probe *probe, unsigned milliseconds)
{
  unsigned patience = probe->params->patience;

  return patience > 0 ? MIN (milliseconds, patience) : milliseconds;
}

static int
probe_apart (const Apart *apart, void *data)
{
  const ProbeParams *params = data;
  Probe probe = { .params = params,
                  .apart = apart,
                  .account = *params->account,
                  .since = g_get_monotonic_time () };
  Trace trace = { .line = params->trace != NULL ? on_line : NULL,
                  .reached = on_reached,
                  .certificate = on_certificate,
                  .data = &probe };
  CourierParams how = { .attended = params->attended,
                        .trace = &trace,
                        .credential = fetch_secret,
                        .data = &probe };
  RelayTimeouts *timeouts = &probe.account.relay.timeouts;
  g_autoptr (Courier) courier = NULL;
  g_autoptr (GError) error = NULL;
  Status *status = NULL;
  Session *session;
  int exit_status;

  timeouts->connect = patient (&probe, timeouts->connect);
  timeouts->command = patient (&probe, timeouts->command);
  courier = courier_new (&probe.account, &how);
  if (!confine_attempt (params->queue, params->general, &probe.account,
                        params->trace != NULL, &error))
    return fail (&probe, status_new_failure (STAGE_ACCOUNT, error));
  session = courier_log_in (courier, params->queue, &status);
  exit_status = session != NULL ? try_sender (&probe, session)
                                : fail (&probe, status);
  g_free (probe.addresses);
  g_free (probe.certificate);
  return exit_status;
}

/* Outside */

typedef struct
{
  const ProbeParams *params;
  bool logged_in;
  bool failed;
} Listener;

static void
hear (void *data, const char *octets, size_t length)
{
  Listener *listener = data;
  g_autoptr (GBytes) bytes = g_bytes_new (octets, length);
  g_autoptr (GVariant) packed = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE (STEP_TYPE), bytes, FALSE));
  g_autofree char *text = NULL;
  g_autofree char *advice = NULL;
  const char *raw_text, *raw_advice;
  unsigned char part, result;
  gboolean strange;
  ProbeStep step;

  if (!g_variant_is_normal_form (packed))
    return;
  g_variant_get (packed, "(yyuiixb&s&s)", &part, &result, &step.milliseconds,
                 &step.exit_status, &step.code, &step.expires, &strange,
                 &raw_text, &raw_advice);
  if (part >= N_PROBE_PARTS || result > BEGUN || listener->failed)
    return;
  if (result == BEGUN)
    {
      if (listener->params->begin != NULL)
        listener->params->begin (listener->params->data, (ProbePart) part);
      return;
    }
  step.part = (ProbePart) part;
  step.result = (ProbeResult) result;
  step.strange = strange;
  step.text = text = text_printable (raw_text, strlen (raw_text), TEXT_MAXIMUM);
  step.advice = advice
      = text_printable (raw_advice, strlen (raw_advice), TEXT_MAXIMUM);
  listener->logged_in |= part == PROBE_LOGIN && result == PROBE_OK;
  listener->failed = result == PROBE_FAILED;
  listener->params->step (listener->params->data, &step);
}

/* Where the child could not tell. */
static int
fail_outside (Listener *listener, const GError *error)
{
  int exit_status = failure_exit_status (error);

  if (!listener->failed)
    listener->params->step (listener->params->data,
                            &(ProbeStep){ .part = PROBE_CONNECTION,
                                          .result = PROBE_FAILED,
                                          .exit_status = exit_status,
                                          .text = error->message,
                                          .advice = "" });
  return exit_status;
}

/* It counts, but nobody who has that many already keeps a person from asking. */
static int
take_connection (const ProbeParams *params)
{
  const Account *account = params->account;

  return params->queue != NULL
             ? backoff_connection (params->queue, account->name,
                                   account->max_connections)
             : -1;
}

int
probe_run (const ProbeParams *params)
{
  Listener listener = { .params = params };
  ApartService service = { .account = params->account,
                           .attended = params->attended,
                           .secret = params->secret,
                           .hear = hear,
                           .data = &listener };
  g_autoptr (GError) error = NULL;
  int connection = take_connection (params);
  ApartResult result;
  bool ran = apart_run_with (probe_apart, (void *) params, &service, &result,
                             &error);

  if (connection >= 0)
    close (connection);
  if (!ran)
    return fail_outside (&listener, error);
  g_free (result.text);
  if (result.signal != 0)
    {
      g_set_error (&error, FAILURE, FAILURE_SOFTWARE,
                   _ ("the process that spoke with the relay was ended by "
                      "signal %d"),
                   result.signal);
      return fail_outside (&listener, error);
    }
  /* The account works: what was counted against it is over. */
  if (listener.logged_in && params->queue != NULL)
    backoff_clear (params->queue, params->account->name);
  return result.exit_status;
}
