import { inspect } from 'node:util';

/**
 * A value that must not be printed. Every accidental egress of it (`String()`, JSON, `console.log`,
 * a template) gives `[secret]`; the one deliberate way is {@link Secret.reveal}, which can be searched for.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
