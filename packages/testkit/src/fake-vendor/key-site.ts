import type { Site } from '../fake-internet/site.ts';

/** The vendor's page where a person finds their API keys. There is one, and it is everybody's. */
export function createKeySite(apiKey: string): Site {
  return (_request, response) => {
    response.writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(`Practice page: a local stand-in for the vendor. Your API key is:\n\n${apiKey}\n`);
  };
}
