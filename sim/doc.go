// Package sim simulates the parties that Willcall talks to: the APIs of Ticket Evolution ([TEvo]), vivenu ([Vivenu]) and
// London Theatre Direct ([LTD]), Tixstock's side ([Tixstock]), and points of sale: one that speaks the published contract
// ([POS]), an account of SkyBox ([SkyBox]), and Ticket Evolution as a broker's own ([TEvoCore]). [Sender] makes the traffic
// of webhooks that Ticket Evolution sends, [Mix] that of all four providers.
// Development, docker-compose and the end-to-end tests run against it.
//
// It is written from the providers' documents and from the published contract alone, and it imports the standard
// library only: a simulator that shares code with what it tests repeats that code's errors instead of finding
// them. It must never be linked into the webhook daemon or the worker.
//
// What a document leaves open is marked "assumption" where it is simulated. Nothing here is proof of how the
// real party behaves there.
//
// Everything is kept in memory and is gone with the process. Names and addresses are invented.
package sim
