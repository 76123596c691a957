import type { NextConfig } from 'next';

// This directory stands alone, also inside a repository with another lock file.
const config: NextConfig = { outputFileTracingRoot: import.meta.dirname, turbopack: { root: import.meta.dirname } };

export default config;
