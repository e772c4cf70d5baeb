#!/bin/sh
# host_bot.sh - tells a room how this machine is, when somebody names the bot:
#
#   zchat --nick host exec '#ops' --mention --durable host-bot -- ./host_bot.sh
#
# zchat runs it once for each message, without a shell in between. What it writes is posted as a notice to where the
# message came from; what it does not write is not. ZCHAT_TEXT is what a stranger wrote: quote it, never run it.
case $ZCHAT_TEXT in
*uptime*) uptime ;;
*disk*) df -h / ;;
*who*) printf 'you are %s, and I am %s\n' "$ZCHAT_FROM" "$ZCHAT_NICK" ;;
*) printf 'I know uptime, disk and who, not "%.100s"\n' "$ZCHAT_TEXT" ;;
esac
