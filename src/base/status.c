#include "base/status.h"

#include <string.h>
#include <sysexits.h>

#include <glib/gi18n.h>

#include "base/text.h"

#define TEXT_MAXIMUM 512

typedef struct
{
  Fate fate;
  Scope scope;
  int exit_status;
  bool alert;
} Verdict;

/* Replies that mean what their code does not say: quotas that are refused for
   good although they pass by themselves. TOKEN is the one place where a reply's
   words count, since the code alone is used for other things too. */
static const struct
{
  int code;
  EnhancedCode enhanced;
  const char *token;
} quotas[] = {
  { 550, { 5, 4, 5 }, NULL },
  { 554, { 5, 2, 0 }, "SubmissionQuotaExceeded" },
};

static const Verdict quota_verdict
    = { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, true };

/* Replies that refuse the login whatever stage they come at: RFC 4954 section
   6, and what large providers say once password logins are switched off. */
static const struct
{
  int code;
  EnhancedCode enhanced;
} login_refusals[] = {
  { 530, { 0, 0, 0 } },
  { 534, { 0, 0, 0 } },
  { 535, { 0, 0, 0 } },
  { 538, { 0, 0, 0 } },
  { 550, { 5, 7, 30 } },
};

static const Verdict login_verdict
    = { FATE_HELD, SCOPE_ACCOUNT, EX_NOPERM, true };

/* The first row that fits a stage and a code decides. */
static const struct
{
  Stage first, last;
  int low, high;
  Verdict verdict;
} rules[] = {
  { STAGE_END_OF_DATA, STAGE_END_OF_DATA, 200, 299,
    { FATE_RELAYED, SCOPE_MESSAGE, EX_OK, false } },
  /* RFC 5321 section 3.8: the relay closes; nothing was judged. */
  { STAGE_CONNECT, STAGE_END_OF_DATA, 421, 421,
    { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, false } },
  { STAGE_CONNECT, STAGE_AUTH, 400, 499,
    { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, false } },
  { STAGE_CONNECT, STAGE_STARTTLS, 500, 599,
    { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, true } },
  { STAGE_AUTH, STAGE_AUTH, 500, 599,
    { FATE_HELD, SCOPE_ACCOUNT, EX_NOPERM, true } },
  { STAGE_RCPT, STAGE_RCPT, 400, 499,
    { FATE_DELAYED, SCOPE_RECIPIENT, EX_OK, false } },
  { STAGE_RCPT, STAGE_RCPT, 550, 551,
    { FATE_FAILED, SCOPE_RECIPIENT, EX_NOUSER, false } },
  { STAGE_RCPT, STAGE_RCPT, 553, 553,
    { FATE_FAILED, SCOPE_RECIPIENT, EX_NOUSER, false } },
  { STAGE_RCPT, STAGE_RCPT, 501, 501,
    { FATE_FAILED, SCOPE_RECIPIENT, EX_DATAERR, false } },
  { STAGE_RCPT, STAGE_RCPT, 555, 555,
    { FATE_FAILED, SCOPE_RECIPIENT, EX_DATAERR, false } },
  { STAGE_RCPT, STAGE_RCPT, 500, 599,
    { FATE_FAILED, SCOPE_RECIPIENT, EX_UNAVAILABLE, false } },
  { STAGE_MAIL, STAGE_END_OF_DATA, 400, 499,
    { FATE_DELAYED, SCOPE_MESSAGE, EX_OK, false } },
  { STAGE_MAIL, STAGE_END_OF_DATA, 500, 599,
    { FATE_FAILED, SCOPE_MESSAGE, EX_UNAVAILABLE, false } },
};

/* What a reply means that has no place at its stage. */
static const Verdict out_of_place
    = { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, true };

static const Verdict failures[] = {
  [FAILURE_USAGE] = { FATE_FAILED, SCOPE_MESSAGE, EX_USAGE, false },
  [FAILURE_DATA] = { FATE_FAILED, SCOPE_MESSAGE, EX_DATAERR, false },
  [FAILURE_NO_INPUT] = { FATE_FAILED, SCOPE_MESSAGE, EX_NOINPUT, false },
  [FAILURE_NO_USER] = { FATE_FAILED, SCOPE_RECIPIENT, EX_NOUSER, false },
  [FAILURE_UNAVAILABLE]
  = { FATE_FAILED, SCOPE_MESSAGE, EX_UNAVAILABLE, false },
  [FAILURE_SOFTWARE] = { FATE_DELAYED, SCOPE_MESSAGE, EX_OK, true },
  [FAILURE_OS] = { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, true },
  [FAILURE_CANNOT_CREATE] = { FATE_DELAYED, SCOPE_MESSAGE, EX_OK, true },
  [FAILURE_IO] = { FATE_DELAYED, SCOPE_MESSAGE, EX_OK, true },
  [FAILURE_TEMPORARY] = { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, false },
  [FAILURE_CERTIFICATE] = { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, true },
  [FAILURE_PROTOCOL] = { FATE_DELAYED, SCOPE_ACCOUNT, EX_OK, true },
  [FAILURE_CREDENTIAL] = { FATE_HELD, SCOPE_ACCOUNT, EX_NOPERM, true },
  [FAILURE_CONFIG] = { FATE_HELD, SCOPE_ACCOUNT, EX_CONFIG, true },
};

static const char *const stage_names[] = {
  [STAGE_ACCOUNT] = "account",   [STAGE_CREDENTIAL] = "credential",
  [STAGE_CONNECT] = "connect",   [STAGE_TLS] = "tls",
  [STAGE_GREETING] = "greeting", [STAGE_EHLO] = "ehlo",
  [STAGE_STARTTLS] = "starttls", [STAGE_AUTH] = "auth",
  [STAGE_MAIL] = "mail",         [STAGE_RCPT] = "rcpt",
  [STAGE_DATA] = "data",         [STAGE_CONTENT] = "content",
  [STAGE_END_OF_DATA] = "end-of-data", [STAGE_QUIT] = "quit",
};

static const char *const fate_names[] = {
  [FATE_RELAYED] = "relayed",
  [FATE_DELAYED] = "delayed",
  [FATE_HELD] = "held",
  [FATE_FAILED] = "failed",
};

static bool
enhanced_equal (EnhancedCode a, EnhancedCode b)
{
  return a.class == b.class && a.subject == b.subject && a.detail == b.detail;
}

static bool
is_quota (Stage stage, int code, EnhancedCode enhanced, const char *text)
{
  if (stage < STAGE_MAIL || stage == STAGE_RCPT)
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (quotas); i++)
    if (quotas[i].code == code
        && enhanced_equal (quotas[i].enhanced, enhanced)
        && (quotas[i].token == NULL
            || strstr (text, quotas[i].token) != NULL))
      return true;
  return false;
}

static bool
is_login_refusal (Stage stage, int code, EnhancedCode enhanced)
{
  if (stage != STAGE_AUTH && stage != STAGE_MAIL)
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (login_refusals); i++)
    if (login_refusals[i].code == code
        && (login_refusals[i].enhanced.class == 0
            || enhanced_equal (login_refusals[i].enhanced, enhanced)))
      return true;
  return false;
}

static const Verdict *
judge (Stage stage, int code, EnhancedCode enhanced, const char *text)
{
  if (is_quota (stage, code, enhanced, text))
    return &quota_verdict;
  if (is_login_refusal (stage, code, enhanced))
    return &login_verdict;
  for (size_t i = 0; i < G_N_ELEMENTS (rules); i++)
    if (stage >= rules[i].first && stage <= rules[i].last
        && code >= rules[i].low && code <= rules[i].high)
      return &rules[i].verdict;
  return &out_of_place;
}

static Status *
status_new (Stage stage, const Verdict *verdict, const char *text)
{
  Status *status = g_new0 (Status, 1);

  status->stage = stage;
  status->fate = verdict->fate;
  status->scope = verdict->scope;
  status->exit_status = verdict->exit_status;
  status->alert = verdict->alert;
  status->text = text_printable (text, strlen (text), TEXT_MAXIMUM);
  return status;
}

Status *
status_new_reply (Stage stage, int code, EnhancedCode enhanced,
                  const char *text)
{
  const char *words = text == NULL ? "" : text;
  Status *status
      = status_new (stage, judge (stage, code, enhanced, words), words);

  status->code = code;
  status->enhanced = enhanced;
  /* RFC 3463 section 3.7: the trouble is what the message holds. */
  if (status->fate == FATE_FAILED && enhanced.class == 5
      && enhanced.subject == 6)
    status->exit_status = EX_DATAERR;
  return status;
}

Status *
status_new_failure (Stage stage, const GError *error)
{
  Failure kind = error->domain == FAILURE ? (Failure) error->code : FAILURE_OS;
  Status *status = status_new (stage, &failures[kind], error->message);

  if (stage == STAGE_END_OF_DATA)
    {
      status->fate = FATE_DELAYED;
      status->exit_status = EX_OK;
      status->ambiguous = true;
    }
  return status;
}

void
status_expire (Status *status)
{
  g_autofree char *text = NULL;

  if (status->fate != FATE_DELAYED)
    return;
  text = g_strdup_printf (_ ("given up, as its time is over; the last try "
                             "ended with: %s"),
                          status->text);
  g_free (status->text);
  status->text = text_printable (text, strlen (text), TEXT_MAXIMUM);
  status->fate = FATE_FAILED;
  status->exit_status = EX_UNAVAILABLE;
  status->code = 0;
  status->enhanced = (EnhancedCode){ 4, 4, 7 };
}

Status *
status_copy (const Status *status)
{
  Status *copy = g_memdup2 (status, sizeof *status);

  copy->text = g_strdup (status->text);
  return copy;
}

void
status_free (Status *status)
{
  if (status == NULL)
    return;
  g_free (status->text);
  g_free (status);
}

const char *
stage_name (Stage stage)
{
  return stage_names[stage];
}

bool
stage_from_name (const char *name, Stage *stage)
{
  for (size_t i = 0; i < G_N_ELEMENTS (stage_names); i++)
    if (strcmp (name, stage_names[i]) == 0)
      {
        *stage = (Stage) i;
        return true;
      }
  return false;
}

const char *
fate_name (Fate fate)
{
  return fate_names[fate];
}

bool
fate_from_name (const char *name, Fate *fate)
{
  for (size_t i = 0; i < G_N_ELEMENTS (fate_names); i++)
    if (strcmp (name, fate_names[i]) == 0)
      {
        *fate = (Fate) i;
        return true;
      }
  return false;
}

char *
enhanced_code_to_string (EnhancedCode enhanced)
{
  if (enhanced.class == 0)
    return g_strdup ("");
  return g_strdup_printf ("%d.%d.%d", enhanced.class, enhanced.subject,
                          enhanced.detail);
}

char *
status_words (const Status *status)
{
  g_autofree char *enhanced = enhanced_code_to_string (status->enhanced);

  if (status->code == 0)
    return g_strdup (status->text);
  return g_strdup_printf ("%d%s%s%s%s", status->code,
                          enhanced[0] == '\0' ? "" : " ", enhanced,
                          status->text[0] == '\0' ? "" : " ", status->text);
}
