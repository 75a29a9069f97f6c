export { bucket } from './bucket.ts';
export { ebsSnapshot } from './ebs-snapshot.ts';
export { instance } from './instance.ts';
export { networkInterface } from './network-interface.ts';
export { rdsSnapshot } from './rds-snapshot.ts';
export { securityGroup } from './security-group.ts';
export { user } from './user.ts';
export { volume } from './volume.ts';
