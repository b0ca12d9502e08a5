const SECRET_NAME = /key|token|secret|passw|credential|cookie|auth/i;

/** Whether something of this name (a variable, a flag) probably holds a secret. */
export const isSecretName = (name: string) => SECRET_NAME.test(name);

/** The text without the user and query of any URL in it. */
export function redactUrls(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, "$1***@")
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s?#]*\?)[^\s#]+/gi, "$1***");
}

/** Arguments without the values of `--token x`, `--api-key=x`, `PASSWORD=x` and `Authorization: x`. */
export function redactArgs(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const before = args[index - 1] ?? "";
    if (/^-[^=:]*$/.test(before) && isSecretName(before) && !arg.startsWith("-")) return "***";
    const [, name, separator] = /^([\w-]+)(\s*[:=]\s*)./s.exec(arg) ?? [];
    return name && isSecretName(name) ? `${name}${separator}***` : redactUrls(arg);
  });
}
