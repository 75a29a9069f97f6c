export { bucket } from './bucket.ts';
export { ebsSnapshot } from './ebs-snapshot.ts';
export { rdsSnapshot } from './rds-snapshot.ts';
export { volume } from './volume.ts';
