const secretName =
  /key|token|secret|pass(?!ive|enger|age)|pwd|(?<![a-z])pw(?![a-z])|credential|creds|cookie|auth|(?:bearer|jwt|signature)$/i;

/** Names of common variables that contain no secret, such as paths and facts about the environment. */
const plainVariable =
  /^(?:(?:OLD)?PWD|(?:GIT|SSH|SUDO)_ASKPASS|PATH|HOME|USER|USERNAME|USERPROFILE|LOGNAME|HOSTNAME|SHELL|TERM|TZ|LANG|LC_\w+|TMPDIR|TE?MP|XDG_\w+|(?:LOCAL)?APPDATA|SYSTEMROOT|WINDIR|PROGRAM(?:DATA|FILES)|NODE_ENV|NODE_PATH|PORT|DEBUG|(?:\w+_)?LOG_?LEVEL)$/i;

const startOfPath = /^(?:[/~.]|\\\\|\$\{|[a-z]:[\\/])/i;

/**
 * Returns true if the name of a variable, flag or member suggests that its value is a secret. The value decides about `PWD`, which is a
 * folder for a shell and a password for a database.
 */
export function isSecretName(name: string, value: string): boolean {
  if (/^(?:OLD)?PWD$/i.test(name)) return !startOfPath.test(value);
  return secretName.test(name) && !plainVariable.test(name);
}

/** Returns true if the value of this variable may be displayed. The value of any other variable in the configuration may be a secret. */
export const isPlainVariable = (name: string) => plainVariable.test(name);

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** Minimum length of a part of a path that can be a secret. */
const shortestRandom = 16;

/**
 * Returns true if this part of a URL's path looks like a secret: a UUID, or a long word that often alternates between letters and digits.
 * Some services give each user a secret URL instead of a key.
 */
export function isRandomSegment(segment: string): boolean {
  if (uuid.test(segment)) return true;
  return segment.split(/[-_.~]/).some((word) => {
    const changes = word.match(/(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])/gi) ?? [];
    return word.length >= shortestRandom && /^[\da-z%=]+$/i.test(word) && changes.length >= 3;
  });
}
