/* check.h - `postrider check': whether mail would leave.
 */
#pragma once

int check_main (int argc, char **argv);
