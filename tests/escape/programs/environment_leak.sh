# Technique: Secrets in the caller's environment
# Tries: to find a variable of the caller in its own environment or in that of pid 1
# Right result: nothing is inherited
# Class: leak
# Area: privileges
# Fixture: secret_environment
# Reaches with: --keep-env PIVOTBOX_SECRET

if [ -n "$PIVOTBOX_SECRET" ]; then
  echo "ESCAPED: $PIVOTBOX_SECRET"
  exit 1
fi
if tr '\0' '\n' </proc/1/environ 2>/dev/null | grep PIVOTBOX_SECRET; then
  echo "ESCAPED: found in the environment of pid 1"
  exit 1
fi
echo "held: not there"
