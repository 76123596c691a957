import { manifestSchema } from '@sallyport/core/provider';
import type { Provider, ProviderManifest } from '@sallyport/core/provider';

import { provider as streaming } from './index.ts';
import { execPrompt } from './prompts.ts';

/** The manifest of Codex with prompts run by `codex exec --json`. */
export const manifest: ProviderManifest = manifestSchema.parse({ ...streaming.manifest, prompt: execPrompt });

/**
 * Codex by its documented command alone, for the `providers` list of `sallyport.config.ts`: answers come a message at a
 * time instead of word by word. Name one or the other, `@sallyport/provider-codex` or this.
 */
export const provider: Provider = { ...streaming, manifest };
