/** The bundled build of simple-peer, which needs no Node shims; the same API as the package itself. */
declare module 'simple-peer/simplepeer.min.js' {
  import SimplePeer = require('simple-peer');
  export default SimplePeer;
}
