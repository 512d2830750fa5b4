#include "base/failure.h"

#include <sysexits.h>

#include "base/text.h"

G_DEFINE_QUARK (postrider-failure-quark, failure)

static const int exit_statuses[] = {
  [FAILURE_USAGE] = EX_USAGE,
  [FAILURE_DATA] = EX_DATAERR,
  [FAILURE_NO_INPUT] = EX_NOINPUT,
  [FAILURE_NO_USER] = EX_NOUSER,
  [FAILURE_UNAVAILABLE] = EX_UNAVAILABLE,
  [FAILURE_SOFTWARE] = EX_SOFTWARE,
  [FAILURE_OS] = EX_OSERR,
  [FAILURE_CANNOT_CREATE] = EX_CANTCREAT,
  [FAILURE_IO] = EX_IOERR,
  [FAILURE_TEMPORARY] = EX_TEMPFAIL,
  [FAILURE_CERTIFICATE] = EX_TEMPFAIL,
  [FAILURE_PROTOCOL] = EX_TEMPFAIL,
  [FAILURE_CREDENTIAL] = EX_NOPERM,
  [FAILURE_CONFIG] = EX_CONFIG,
};

int
failure_exit_status (const GError *error)
{
  return error->domain == FAILURE ? exit_statuses[error->code] : EX_OSERR;
}

void
failure_set_errno (GError **error, Failure kind, int errnum,
                   const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  va_start (arguments, format);
  text = text_printable_line (format, arguments);
  va_end (arguments);
  g_set_error (error, FAILURE, (int) kind, "%s: %s", text,
               g_strerror (errnum));
}
