import type { Site } from '../fake-internet/site.ts';

/** The vendor's page where users find their API keys. All users share one key. */
export function createKeySite(apiKey: string): Site {
  return (_request, response) => {
    response.writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(`Fake page, served locally in place of the vendor's. Your API key is:\n\n${apiKey}\n`);
  };
}
