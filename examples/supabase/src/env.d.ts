/** Vite puts these into the page when it builds it: see `.env.example`. */
interface ImportMetaEnv {
  readonly VITE_SUPABASE_URL: string;
  readonly VITE_SUPABASE_PUBLISHABLE_KEY: string;
  readonly VITE_SALLYPORT_URL: string;
  readonly VITE_SALLYPORT_PROVIDER?: string;
}
