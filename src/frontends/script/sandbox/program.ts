/**
 * Runs in QuickJS: `(code, json) => promise of JSON`. It takes built-ins before the code can replace them. `Function` compiles without
 * running, so a SyntaxError thrown by the code is not mistaken for one in its text.
 */
export const program = `(() => {
  const { parse, stringify } = JSON;
  const { Function, eval: evaluate } = globalThis;
  const { defineProperty, entries } = Object;

  const compiled = (body) => {
    try {
      return { run: Function(body) };
    } catch (error) {
      return { error };
    }
  };

  /** A \`return\` outside of functions is an error in a script. */
  const isScript = (code) => {
    try {
      evaluate("if (false) {\\n" + code + "\\n}");
      return true;
    } catch {
      return false;
    }
  };

  const runnable = (code) => {
    const expression = compiled("return (\\n" + code + "\\n)");
    if (expression.run) return expression.run;
    const body = compiled(code);
    if (body.error) throw body.error;
    return isScript(code) ? () => evaluate(code) : body.run;
  };

  return async (code, json) => {
    for (const [name, value] of entries(parse(json))) {
      defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: true });
    }
    return stringify(await runnable(code)());
  };
})()`;
