import { inspect } from 'node:util';

/**
 * A value that must not be printed. `String()`, JSON, `console.log` and templates print `[secret]`. {@link
 * Secret.reveal} is the only way to read it, so that uses are easy to find.
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
