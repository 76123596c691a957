import { createHmac } from 'node:crypto';

import { base64Runs } from './base64-runs.ts';
import { printedStreams } from './printed-streams.ts';
import type { PrintedStream } from './printed-streams.ts';

/** Puts something else in the place of secrets, everywhere the same, and as long. */
export interface SecretReplacer {
  /** Wherever a secret stands, also broken by escape sequences and line ends, percent-encoded, inside JSON or base64. */
  bytes(recorded: Uint8Array): Uint8Array;
  text(recorded: string): string;
  /** Secrets that are there all the same. */
  left(recorded: Uint8Array): number;
}

/**
 * Letters become other letters of the same case and digits other digits, so that lengths, encodings and the
 * patterns of a manifest stay what they are. What comes instead depends on the key: without it, nothing about a
 * secret can be tried out on a recording.
 */
export function createSecretReplacer(secrets: Iterable<string>, key: Uint8Array): SecretReplacer {
  // The longest first: one may be the beginning of another.
  const known = [...new Set([...secrets].map(withoutSpace))]
    .filter((secret) => secret.length >= SHORTEST_SECRET && /^[!-~]+$/.test(secret))
    .toSorted((a, b) => b.length - a.length)
    .map((secret) => ({ secret, stand: standIn(secret, key) }));

  const replaced = (text: string, depth = MOST_ENCODINGS): string => {
    const characters = Array.from(text);
    for (const { secret, stand } of known) {
      for (const stream of printedStreams(characters.join(''))) {
        for (const places of occurrences(stream, secret)) {
          for (const [index, offset] of places) characters[offset] = stand[index] ?? '?';
        }
      }
    }
    for (const run of depth > 0 ? base64Runs(characters.join('')) : []) {
      const inside = replaced(run.decoded, depth - 1);
      if (inside === run.decoded) continue;
      for (const [offset, character] of run.encode(inside)) characters[offset] = character;
    }
    return characters.join('');
  };
  const secretsIn = (text: string, depth = MOST_ENCODINGS): ReadonlySet<string> => {
    const streams = printedStreams(text);
    const here = known.filter(({ secret }) => streams.some((stream) => occurrences(stream, secret).length > 0));
    const inside = depth > 0 ? base64Runs(text).flatMap(({ decoded }) => [...secretsIn(decoded, depth - 1)]) : [];
    return new Set([...here.map(({ secret }) => secret), ...inside]);
  };
  return {
    bytes: (recorded) => Uint8Array.from(Buffer.from(replaced(Buffer.from(recorded).toString('latin1')), 'latin1')),
    text: (recorded) => Buffer.from(replaced(Buffer.from(recorded).toString('latin1')), 'latin1').toString('utf8'),
    left: (recorded) => secretsIn(Buffer.from(recorded).toString('latin1')).size,
  };
}

/** Base64 inside base64, as in a JSON web token on the clipboard, and no deeper. */
const MOST_ENCODINGS = 2;

/** A code that a user types has about so many characters; shorter texts occur by accident. */
const SHORTEST_SECRET = 8;

/** Beginnings that say whose token it is, and which manifests look for. They are nobody's secret. */
const prefix = /^(sk-ant-[a-z]+\d+-|sk-|rt[-_.]|at[-_.]|ak[-_.]|ya29\.|[14]\/{1,2}|AIza|eyJ)/;

function standIn(secret: string, key: Uint8Array): string {
  const kept = prefix.exec(secret)?.[0].length ?? 0;
  const noise = noiseOf(secret, key);
  return Array.from(secret, (character, index) => {
    const alphabet = index < kept ? undefined : alphabets.find((each) => each.includes(character));
    return alphabet === undefined ? character : (alphabet[(noise[index] ?? 0) % alphabet.length] ?? character);
  }).join('');
}

const alphabets = ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz', '0123456789'];

function noiseOf(secret: string, key: Uint8Array): readonly number[] {
  const noise: number[] = [];
  for (let block = 0; noise.length < secret.length; block += 1) {
    noise.push(...createHmac('sha256', key).update(`${block}:${secret}`).digest());
  }
  return noise;
}

/** For each occurrence: which character of the secret stands at which offset. Encoded ones are signs and stay. */
function occurrences(
  { characters, offsets }: PrintedStream,
  secret: string,
): readonly (readonly (readonly [index: number, offset: number])[])[] {
  const found: (readonly (readonly [number, number])[])[] = [];
  const first = secret[0] ?? '';
  const starts = [first, ...encodings(first)].flatMap((text) => indexesOf(characters, text));
  for (const start of starts) {
    const places: [number, number][] = [];
    let position = start;
    for (const [index, character] of Array.from(secret).entries()) {
      const written = [character, ...encodings(character)].find((text) => characters.startsWith(text, position));
      if (written === undefined) break;
      if (written === character) places.push([index, offsets[position] ?? -1]);
      position += written.length;
      if (index === secret.length - 1) found.push(places);
    }
  }
  return found;
}

function indexesOf(characters: string, text: string): readonly number[] {
  const indexes: number[] = [];
  for (let at = characters.indexOf(text); at >= 0; at = characters.indexOf(text, at + 1)) indexes.push(at);
  return indexes;
}

/** A sign inside a URL (RFC 3986 §2.1), inside a URL inside a URL, and inside JSON (RFC 8259 §7). */
function encodings(character: string): readonly string[] {
  if (/[A-Za-z0-9]/.test(character)) return [];
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
  const both = [hex, hex.toUpperCase()];
  return [...both.flatMap((digits) => [`%${digits}`, `%25${digits}`, `\\u00${digits}`]), `\\${character}`];
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, '');
}
