import { execFileSync } from 'node:child_process';
import { build } from './build.ts';

/** Bundles the workers and packages the service into .serverless/: without AWS credentials and without network. */
await build({});
execFileSync(process.execPath, ['node_modules/serverless/bin/serverless.js', 'package'], {
  stdio: 'inherit',
  env: { ...process.env, SLS_TELEMETRY_DISABLED: '1' },
});
