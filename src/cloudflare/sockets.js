// The WebSockets of an object. The runtime keeps them, with their attachments, while the object hibernates.

/** Accepts a WebSocket with tags and an attachment. Returns the device's end. */
export function accept(state, tags, note) {
  const [theirs, ours] = Object.values(new WebSocketPair());
  state.acceptWebSocket(ours, tags);
  ours.serializeAttachment(note);
  return theirs;
}

/** Returns the WebSockets with a tag, or all. Some may be closing. */
export function all(state, tag) {
  return state.getWebSockets(tag);
}

export function note(socket) {
  return socket.deserializeAttachment() ?? '';
}

export function isOpen(socket) {
  return socket.readyState === WebSocket.OPEN;
}

/** Closes a WebSocket, after a message if there is one. */
export function part(socket, message, code, reason) {
  if (!isOpen(socket)) return;
  if (message !== undefined) socket.send(message);
  socket.close(code, reason);
}
