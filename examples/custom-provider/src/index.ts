import type { Provider } from '@sallyport/core/provider';

import { manifest } from './manifest.ts';
import { parse } from './parse-output.ts';

/** opencode, for the `providers` list of `sallyport.config.ts`. */
export const provider: Provider = { manifest, parse };
