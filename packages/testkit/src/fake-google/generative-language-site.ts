import { tryParseJson } from '@sallyport/core/driver';

import { sendJson, type Site } from '../fake-internet/site.ts';
import { answerPrompt, type ModelParts } from './answer-prompt.ts';

/** `generativelanguage.googleapis.com`: the model, for users with an API key, who pay by use. */
export function createGenerativeLanguageSite({ apiKey, ...parts }: ModelParts & { readonly apiKey: string }): Site {
  return async (request, response, visit) => {
    const { pathname } = new URL(request.url ?? '/', `https://${visit.host}`);
    if (request.headers['x-goog-api-key'] !== apiKey) {
      sendJson(response, 400, invalidKey);
      return;
    }
    const { model = '', method } = /^\/v1beta\/models\/(?<model>[\w.-]+):(?<method>\w+)$/.exec(pathname)?.groups ?? {};
    const body = { model, request: tryParseJson(visit.body) };
    if (method === 'generateContent' || method === 'streamGenerateContent') {
      await answerPrompt(response, parts, { method, body, wrap: (answer) => answer });
    } else if (method === 'countTokens') {
      sendJson(response, 200, { totalTokens: 10 });
    } else {
      sendJson(response, 404, { error: { code: 404, message: `No such route: ${pathname}`, status: 'NOT_FOUND' } });
    }
  };
}

const invalidKey = {
  error: {
    code: 400,
    message: 'API key not valid. Please pass a valid API key.',
    status: 'INVALID_ARGUMENT',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID', domain: 'googleapis.com' },
    ],
  },
};
