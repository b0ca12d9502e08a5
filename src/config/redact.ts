const SECRET_NAME = /key|token|secret|pass(?!ive|enger|age)|pwd|credential|cookie|auth/i;

/** Variables of every process or its environment that say where things are and how they run. */
const PLAIN_VARIABLE =
  /^(?:(?:OLD)?PWD|(?:GIT|SSH|SUDO)_ASKPASS|PATH|HOME|USER|USERNAME|USERPROFILE|LOGNAME|HOSTNAME|SHELL|TERM|TZ|LANG|LC_\w+|TMPDIR|TE?MP|XDG_\w+|(?:LOCAL)?APPDATA|SYSTEMROOT|WINDIR|PROGRAM(?:DATA|FILES)|NODE_ENV|NODE_PATH|PORT|DEBUG|(?:\w+_)?LOG_?LEVEL)$/i;

/** Returns true if a variable or flag of this name probably holds a secret. */
export const isSecretName = (name: string) => SECRET_NAME.test(name) && !PLAIN_VARIABLE.test(name);

/** Returns true if the variable's value may be shown. Any other variable that the configuration names may hold a secret. */
export const isPlainVariable = (name: string) => PLAIN_VARIABLE.test(name);

/** Removes the user and query of any URL in the text. */
export function redactUrls(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, "$1***@")
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s?#]*\?)[^\s#]+/gi, "$1***");
}

/**
 * Removes only what is plainly a user or a query, for a text that the user confirms before it runs. A shell may read it: `http://a?;rm` is
 * a command.
 */
export function redactPlainUrls(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[\w.~%+-]*(?::[\w.~%+-]*)?@(?=[\w[])/gi, "$1***@")
    .replaceAll(
      /([a-z][a-z0-9+.-]*:\/\/[\w.~%+:@/*[\]-]*\?)[\w.-]+=[\w.~%+-]*(?:&[\w.-]+=[\w.~%+-]*)*(?=$|[\s"'#])/gi,
      "$1***",
    );
}

/** Removes the values of `--token x`, `--api-key=x`, `PASSWORD=x` and `Authorization: x`. */
export function redactArgs(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const before = args[index - 1] ?? "";
    if (/^-[^=:]*$/.test(before) && isSecretName(before) && !arg.startsWith("-")) return "***";
    const [, name, separator] = /^([\w-]+)(\s*[:=]\s*)./s.exec(arg) ?? [];
    return name && isSecretName(name) ? `${name}${separator}***` : redactUrls(arg);
  });
}

/** Removes secret values, for arguments that the user confirms before they run. A path, or what a shell could run, stays. */
export function redactPlainArgs(args: readonly string[]): string[] {
  const redacted = redactArgs(args);
  const isPlain = (arg: string) => /^(?:[\w-]+\s*[:=]\s*)?(?:Bearer )?[\w.~%+=-]*$/.test(arg);
  return args.map((arg, index) => (isPlain(arg) ? (redacted[index] ?? arg) : redactPlainUrls(arg)));
}
