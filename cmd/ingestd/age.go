package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// age is a flag that says how old something is: a duration, or a number of days.
type age time.Duration

func (a *age) String() string { return time.Duration(*a).String() }

// Type is what the help calls the value.
func (a *age) Type() string { return "duration" }

// Set reads the flag.
func (a *age) Set(text string) error {
	d, err := time.ParseDuration(text)
	if number, days := strings.CutSuffix(text, "d"); err != nil && days {
		var n int64
		if n, err = strconv.ParseInt(number, 10, 64); err == nil {
			if most := int64(math.MaxInt64 / (24 * time.Hour)); n > most || n < -most {
				err = strconv.ErrRange
			}
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil {
		return errors.New("it is no duration, or one of more than 292 years; such as 2160h, or 90d for as many days")
	}
	*a = age(d)
	return nil
}
