import { tokensIn } from '@sallyport/core/engine';

/** Gives every secret of a log a name, so that two requests show whether they hold the same one. */
export interface SecretNames {
  /** `[secret 1]` for the first one, and the same again for the same. */
  nameOf(secret: string): string;
  /** The text as it is, from now on also where it only looks like a secret. Its name where it is known as one. */
  show(text: string): string;
  /** The text with each word that looks like a secret, or is known as one, replaced by its name. */
  hideIn(text: string): string;
}

/** A word of a language has fewer letters and digits in a row. */
const RANDOM_RUN = /[A-Za-z0-9]{20}/;
/** Shorter ones are hidden where they are named, and left alone where they only stand. */
const SHORTEST_KNOWN = 6;

export function createSecretNames(): SecretNames {
  const names = new Map<string, string>();
  const harmless = new Set<string>();
  const nameOf = (secret: string): string => {
    const name = names.get(secret) ?? `[secret ${names.size + 1}]`;
    names.set(secret, name);
    return name;
  };
  return {
    nameOf,
    show(text) {
      if (names.has(text)) return nameOf(text);
      harmless.add(text);
      return text;
    },
    hideIn(text) {
      const known = [...names.keys()].filter((secret) => secret.length >= SHORTEST_KNOWN && text.includes(secret));
      const words = text.match(/[A-Za-z0-9_+=~.-]+/g) ?? [];
      const random = words.filter((word) => RANDOM_RUN.test(word) && /[0-9]/.test(word) && /[A-Za-z]/.test(word));
      // The longest first: one may be the beginning of another.
      const guessed = [...tokensIn(text), ...random].filter((word) => !harmless.has(word));
      const found = [...new Set([...known, ...guessed])].toSorted((a, b) => b.length - a.length);
      return found.reduce((rest, secret) => rest.replaceAll(secret, () => nameOf(secret)), text);
    },
  };
}
