/**
 * Source code that runs in QuickJS. It evaluates to a function `(code, json) => promise of JSON`. The function uses copies of built-ins
 * that were saved before `code` could replace them. `Function` compiles the code without running it, so that a SyntaxError that the running
 * code throws is not mistaken for a syntax error in the code itself.
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
