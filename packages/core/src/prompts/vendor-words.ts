import { asRecord, nonEmpty, tryParseJson } from '../provider/lenient-json.ts';

/** How often an answer is packed into another one: Gemini CLI does so once. */
const MOST_LAYERS = 4;

/**
 * What a CLI says of a failure, without the body of the vendor's answer that some put into it: of
 * `API Error: 401 {"error":{"message":"invalid x-api-key"}}` it leaves `API Error: 401 invalid x-api-key`. Text that is
 * not JSON stays. `undefined` where nothing is left.
 */
export function vendorWords(message: string): string | undefined {
  let words = message;
  for (let layer = 0; layer < MOST_LAYERS; layer += 1) {
    const [, before = '', body = '', after = ''] = /^([^[{]*)([[{].*[\]}])(.*)$/s.exec(words) ?? [];
    const parsed = tryParseJson(body);
    if (parsed === undefined) break;
    words = [before, wordsIn(parsed), after].map((part) => part.trim()).join(' ');
  }
  return nonEmpty(words.trim());
}

function wordsIn(body: unknown): string {
  const { error, message } = asRecord(Array.isArray(body) ? body[0] : body);
  return nonEmpty(asRecord(error)['message']) ?? nonEmpty(message) ?? nonEmpty(error) ?? '';
}
