export const openGlewlwydPeer = undefined;
