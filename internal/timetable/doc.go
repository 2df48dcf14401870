// Package timetable reads timetables of a week, and says what they want at a time: how fast
// may be sent (Rates), and whether work may be begun (Hours). It is pure: whoever asks
// brings the time, and the time zone of that counts.
//
// A switch takes place when the clock on the wall shows its time for the first time on its
// day, or, where that time is left out because clocks are put forward, when they are. So a
// time that a day has twice switches once.
package timetable
