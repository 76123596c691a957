import { once } from 'node:events';

import { createBackend } from './backend.ts';
import { createProduct } from './product.ts';

const { SALLYPORT_URL: server = 'http://127.0.0.1:4000', SALLYPORT_KEY: key, PORT: port = '8080' } = process.env;
if (key === undefined) {
  console.error('SALLYPORT_KEY is not set. Create a key with `sallyport api-keys create "the example"` and set it.');
  process.exit(1);
}

// Another host name than the server's, so that the browser takes the two for different sites.
const origin = `http://localhost:${port}`;
const product = createProduct({ server, backend: createBackend({ server, key, origin }) });
await once(product.listen(Number(port), '127.0.0.1'), 'listening');
console.log(`The example runs on ${origin}`);
