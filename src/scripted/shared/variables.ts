export type VariableValues = Readonly<Record<string, unknown>>;

/** Variables of a script. A variable of an included file or of a loop hides an outer variable with the same name. */
export class Variables {
  readonly #own: Map<string, unknown>;
  readonly #outer: Variables | undefined;

  constructor(values: VariableValues, outer?: Variables) {
    this.#own = new Map(Object.entries(values));
    this.#outer = outer;
  }

  inside(values: VariableValues): Variables {
    return new Variables(values, this);
  }

  has(name: string): boolean {
    return this.#own.has(name) || (this.#outer?.has(name) ?? false);
  }

  get(name: string): unknown {
    return this.#own.has(name) ? this.#own.get(name) : this.#outer?.get(name);
  }

  /** Changes the innermost variable with this name. If there is no such variable, creates one for the whole script. */
  set(name: string, value: unknown): void {
    if (this.#outer && !this.#own.has(name)) this.#outer.set(name, value);
    else this.#own.set(name, value);
  }

  names(): string[] {
    return Object.keys(this.all());
  }

  all(): Record<string, unknown> {
    return { ...this.#outer?.all(), ...Object.fromEntries(this.#own) };
  }
}
