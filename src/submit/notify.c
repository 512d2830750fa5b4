#include "submit/notify.h"

void
notify_account (const General *general, const Account *account,
                Backoff *backoff, const Status *status, unsigned held)
{
}

void
notify_undelivered (const General *general, const char *account,
                    unsigned count, const char *first, bool untold)
{
}

void
notify_doomed (const General *general, unsigned count)
{
}
