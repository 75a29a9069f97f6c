export { default as closeOpenIngress } from './close-open-ingress.ts';
